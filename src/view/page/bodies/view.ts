/** @file Rigid bodies in space, seen by a camera that goes along with them. */

import {
  Color,
  CylinderGeometry,
  Group,
  Mesh,
  MeshStandardMaterial,
  Object3D,
  PCFShadowMap,
  PerspectiveCamera,
  Quaternion,
  Scene,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { type BodiesRecording, type Line, unpackPoses } from "../../../envs/recording.ts";
import { agentColors } from "../colors.ts";
import type { View } from "../view.ts";
import { frameOf } from "./framing.ts";
import { meshOf } from "./shapes.ts";
import { createStage } from "./stage.ts";

Object3D.DEFAULT_UP.set(0, 0, 1);

/** Vertical field of view, degrees. */
const FIELD_OF_VIEW = 32;

function lineMesh({ width, rgba: [r, g, b] }: Line): Mesh {
  // Of length 1 along z.
  const geometry = new CylinderGeometry(width / 2, width / 2, 1, 12).rotateX(Math.PI / 2);
  const color = new Color().setRGB(r, g, b, SRGBColorSpace);
  const mesh = new Mesh(geometry, new MeshStandardMaterial({ color, roughness: 0.7 }));
  mesh.castShadow = true;
  return mesh;
}

const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, text.lastIndexOf(",", length))}, …`;

export function createBodiesView(recording: BodiesRecording): View {
  const { frames, solids, lines, joints, poses } = recording;
  const unpacked = unpackPoses(poses);
  const { positions, quaternions } = unpacked;
  const framing = frameOf(recording, unpacked);
  const [low, high] = framing.heights;
  const size = Math.max(Math.hypot(...framing.reach) * 0.8, (high - low) / 2);

  const renderer = new WebGLRenderer({ antialias: true });
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = PCFShadowMap;
  const scene = new Scene();
  const travels = Math.abs(framing.path[2 * frames - 2] - framing.path[0]) > 2 * size;
  const stage = createStage(scene, {
    size,
    ground: framing.ground,
    marks: travels ? framing.path[1] - framing.reach[1] - 0.45 * size : undefined,
  });

  const groups = Array.from({ length: poses.bodies }, () => new Group());
  const colors = agentColors(joints.length);
  const world = new Group();
  solids.forEach((solid, layer) => {
    if (solid.shape === "plane") return;
    (solid.body < 0 ? world : groups[solid.body]).add(meshOf(solid, colors, layer / solids.length));
  });
  const cords = lines.map((line) => ({ ends: line.bodies, mesh: lineMesh(line) }));
  scene.add(world, ...groups, ...cords.map(({ mesh }) => mesh));

  const camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.02 * size, 150 * size);
  /** What is followed: in the middle of the picture until the mouse moves it away. */
  const target = new Vector3(framing.path[0], framing.path[1], Math.max((low + high) / 2, framing.ground));
  let controls: OrbitControls | undefined;
  /** Whether the mouse has chosen where to look from. */
  let turned = false;

  const shift = new Vector3();
  function follow(x: number, y: number): void {
    shift.set(x - target.x, y - target.y, 0);
    for (const point of [target, camera.position, controls?.target]) point?.add(shift);
    stage.follow(x, y);
  }

  /** Far enough that all of it is in the picture, whatever the picture's form. */
  function standBack(): number {
    const vertical = Math.tan(((FIELD_OF_VIEW / 2) * Math.PI) / 180);
    const horizontal = vertical * camera.aspect;
    const { azimuth, elevation, reach } = framing;
    const across = Math.abs(Math.sin(azimuth)) * reach[0] + Math.abs(Math.cos(azimuth)) * reach[1];
    const along = Math.abs(Math.cos(azimuth)) * reach[0] + Math.abs(Math.sin(azimuth)) * reach[1];
    const up = Math.cos(elevation) * ((high - low) / 2) + Math.sin(elevation) * along;
    return along * Math.cos(elevation) + Math.max((1.25 * across) / horizontal, (1.5 * up) / vertical);
  }

  function resetCamera(): void {
    const { azimuth, elevation } = framing;
    const distance = standBack();
    turned = false;
    camera.position.set(
      target.x + distance * Math.cos(elevation) * Math.cos(azimuth),
      target.y + distance * Math.cos(elevation) * Math.sin(azimuth),
      target.z + distance * Math.sin(elevation),
    );
    camera.lookAt(target);
    if (controls) {
      controls.target.copy(target);
      controls.minDistance = 0.2 * distance;
      controls.maxDistance = 6 * distance;
      controls.update();
    }
  }

  const [from, to] = [new Quaternion(), new Quaternion()];
  const [start, end, along] = [new Vector3(), new Vector3(), new Vector3()];
  const up = new Vector3(0, 0, 1);
  function place(frame: number): void {
    const first = Math.min(Math.max(Math.floor(frame), 0), frames - 1);
    const second = Math.min(first + 1, frames - 1);
    const fraction = Math.min(Math.max(frame - first, 0), 1);
    const between = (array: Float64Array, width: number, i: number): number => {
      const a = array[first * width + i];
      return a + fraction * (array[second * width + i] - a);
    };
    groups.forEach((group, b) => {
      group.position.set(
        between(positions, 3 * groups.length, 3 * b),
        between(positions, 3 * groups.length, 3 * b + 1),
        between(positions, 3 * groups.length, 3 * b + 2),
      );
      const [q, r] = [4 * (first * groups.length + b), 4 * (second * groups.length + b)];
      from.set(quaternions[q + 1], quaternions[q + 2], quaternions[q + 3], quaternions[q]);
      to.set(quaternions[r + 1], quaternions[r + 2], quaternions[r + 3], quaternions[r]);
      group.quaternion.slerpQuaternions(from, to, fraction);
    });
    for (const { ends, mesh } of cords) {
      start.copy(groups[ends[0]].position);
      end.copy(groups[ends[1]].position);
      along.subVectors(end, start);
      mesh.scale.z = along.length();
      mesh.quaternion.setFromUnitVectors(up, along.normalize());
      mesh.position.addVectors(start, end).multiplyScalar(0.5);
    }
    follow(between(framing.path, 2, 0), between(framing.path, 2, 1));
  }

  return {
    canvas: renderer.domElement,
    colors,
    detail: (agent) => shorten(joints[agent].join(", "), 34),
    resize(width, height, pixelRatio) {
      const before = camera.aspect;
      renderer.setPixelRatio(pixelRatio);
      renderer.setSize(width, height, false);
      camera.aspect = width / height;
      camera.updateProjectionMatrix();
      if (camera.aspect !== before && !turned) resetCamera();
    },
    setTheme: (theme) => stage.setTheme(theme),
    draw(frame) {
      place(frame);
      renderer.render(scene, camera);
    },
    attach(onChange) {
      controls = new OrbitControls(camera, renderer.domElement);
      controls.maxPolarAngle = 0.497 * Math.PI;
      controls.enablePan = true;
      controls.zoomSpeed = 0.7;
      resetCamera();
      controls.addEventListener("start", () => {
        turned = true;
      });
      controls.addEventListener("change", onChange);
    },
    resetCamera,
    dispose() {
      controls?.dispose();
      renderer.dispose();
    },
  };
}
