/** @file Solids as meshes. */

import {
  BoxGeometry,
  BufferGeometry,
  CapsuleGeometry,
  Color,
  CylinderGeometry,
  DataTexture,
  Mesh,
  MeshStandardMaterial,
  NearestFilter,
  Quaternion,
  SphereGeometry,
  SRGBColorSpace,
  Vector3,
} from "three";
import type { Solid } from "../../../envs/recording.ts";

/** three.js's capsules and cylinders lie along y, MuJoCo's along z. */
function geometryOf({ shape, size: [x, y, z] }: Solid): BufferGeometry {
  switch (shape) {
    case "sphere":
      return new SphereGeometry(x, 32, 20);
    case "capsule":
      return new CapsuleGeometry(x, 2 * y, 10, 28).rotateX(Math.PI / 2);
    case "cylinder":
      return new CylinderGeometry(x, x, 2 * y, 40).rotateX(Math.PI / 2);
    case "ellipsoid":
      return new SphereGeometry(1, 32, 20).scale(x, y, z);
    case "box":
      return new BoxGeometry(2 * x, 2 * y, 2 * z);
    case "plane":
      return new BufferGeometry();
  }
}

/** Bands of colour along a solid, one for each of those who move it. */
function bands(colors: readonly Color[]): DataTexture {
  const rows = 2 * colors.length;
  const texels = new Uint8Array(4 * rows);
  for (let row = 0; row < rows; row++) {
    const { r, g, b } = colors[row % colors.length].clone().convertLinearToSRGB();
    texels.set([255 * r, 255 * g, 255 * b, 255], 4 * row);
  }
  const texture = new DataTexture(texels, 1, rows);
  texture.colorSpace = SRGBColorSpace;
  texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}

/**
 * A solid in the colours of the agents that move it, or, where there are none, in its own; in its body's frame.
 * @param layer where solids share a surface, that of the highest layer is seen
 */
export function meshOf(
  solid: Solid,
  agentColors: readonly string[],
  layer: number,
): Mesh<BufferGeometry, MeshStandardMaterial> {
  const owners = solid.agents.map((agent) => new Color(agentColors[agent]));
  const [r, g, b, alpha] = solid.rgba;
  const material = new MeshStandardMaterial({
    roughness: 0.5,
    metalness: 0.05,
    polygonOffset: true,
    polygonOffsetFactor: -layer,
    polygonOffsetUnits: -4 * layer,
    ...(owners.length > 1 && { map: bands(owners) }),
    ...(owners.length === 1 && { color: owners[0] }),
    ...(owners.length === 0 && { color: new Color().setRGB(r, g, b, SRGBColorSpace) }),
    ...(alpha < 1 && { transparent: true, opacity: alpha }),
  });
  const mesh = new Mesh(geometryOf(solid), material);
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  const [x, y, z] = solid.position;
  const [qw, qx, qy, qz] = solid.quaternion;
  mesh.position.set(x, y, z);
  mesh.quaternion.set(qx, qy, qz, qw);
  return mesh;
}

/** A ball: its middle in its body's frame, and its radius, in m. */
export interface Ball {
  readonly body: number;
  readonly middle: Vector3;
  readonly radius: number;
}

/** Balls around a solid: one at each end of what is long, or else one that holds it. */
export function ballsOf({ shape, size: [x, y, z], body, position, quaternion: [qw, qx, qy, qz] }: Solid): Ball[] {
  const middle = new Vector3(...position);
  switch (shape) {
    case "plane":
      return [];
    case "sphere":
      return [{ body, middle, radius: x }];
    case "ellipsoid":
      return [{ body, middle, radius: Math.max(x, y, z) }];
    case "box":
      return [{ body, middle, radius: Math.hypot(x, y, z) }];
    case "capsule":
    case "cylinder": {
      const axis = new Vector3(0, 0, y).applyQuaternion(new Quaternion(qx, qy, qz, qw));
      return [1, -1].map((end) => ({ body, middle: middle.clone().addScaledVector(axis, end), radius: x }));
    }
  }
}
