/** @file What is around the bodies: sky, sun, and a ground that never ends. */

import {
  BackSide,
  CanvasTexture,
  CircleGeometry,
  Color,
  DirectionalLight,
  Fog,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  MeshLambertMaterial,
  PlaneGeometry,
  type Scene,
  ShaderMaterial,
  SphereGeometry,
  SRGBColorSpace,
} from "three";
import type { Theme } from "../colors.ts";

export interface Stage {
  setTheme(theme: Theme): void;
  /** Has ground, sky and shadows follow what is looked at. */
  follow(x: number, y: number): void;
}

const FONT = "600 96px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/** 1, 2 or 5 times a power of ten, near `size`. */
function roundSize(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * ([5, 2, 1].find((digit) => digit * power <= size) ?? 1);
}

/**
 * A chequered ground, whose squares are worked out rather than painted: sharp near by, even far away, and quick where a
 * browser draws in software. Filtered by Quilez's integral of the pattern over a pixel
 * (https://iquilezles.org/articles/checkerfiltering).
 */
function groundMaterial(cell: number) {
  const colors = [new Color(), new Color()] as const;
  const material = new MeshLambertMaterial();
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, { even: { value: colors[0] }, odd: { value: colors[1] }, cell: { value: cell } });
    shader.vertexShader = shader.vertexShader
      .replace("void main() {", "varying vec2 square; uniform float cell; void main() {")
      .replace(
        "#include <fog_vertex>",
        "#include <fog_vertex>\nsquare = (modelMatrix * vec4(position, 1.)).xy / cell;",
      );
    shader.fragmentShader = shader.fragmentShader
      .replace("void main() {", "varying vec2 square; uniform vec3 even; uniform vec3 odd; void main() {")
      .replace(
        "#include <map_fragment>",
        `vec2 pixel = max(fwidth(square), 1e-4);
        vec2 part = 2. * (abs(fract((square - .5 * pixel) * .5) - .5) - abs(fract((square + .5 * pixel) * .5) - .5)) / pixel;
        diffuseColor.rgb = mix(even, odd, .5 - .5 * part.x * part.y);`,
      );
  };
  return { material, colors };
}

/** Distances written on the ground along x, of which those in sight are kept. */
function createMarks(scene: Scene, spacing: number, y: number, z: number) {
  const [width, height] = [0.48 * spacing, 0.12 * spacing];
  const marks = Array.from({ length: 9 }, () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [512, 128];
    const texture = new CanvasTexture(canvas);
    texture.colorSpace = SRGBColorSpace;
    texture.anisotropy = 8;
    const material = new MeshBasicMaterial({ map: texture, transparent: true, depthWrite: false });
    const mesh = new Mesh(new PlaneGeometry(width, height), material);
    mesh.position.set(0, y, z);
    scene.add(mesh);
    return { mesh, canvas, texture, written: "" };
  });
  return (x: number, { groundText }: Theme): void => {
    const middle = Math.round(x / spacing);
    for (let number = middle - 4; number <= middle + 4; number++) {
      const mark = marks[((number % 9) + 9) % 9];
      const text = `${Number((number * spacing).toPrecision(6)).toLocaleString("en")} m`;
      mark.mesh.position.x = number * spacing;
      if (mark.written === text + groundText) continue;
      mark.written = text + groundText;
      const context = mark.canvas.getContext("2d")!;
      context.clearRect(0, 0, 512, 128);
      context.font = FONT;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = groundText;
      context.fillText(text, 256, 68);
      mark.texture.needsUpdate = true;
    }
  };
}

/**
 * @param size m: how large what is looked at is, from its middle
 * @param ground m: the ground's height
 * @param marks m: where distances are written, in y; undefined: nowhere
 */
export function createStage(
  scene: Scene,
  { size, ground, marks }: { readonly size: number; readonly ground: number; readonly marks: number | undefined },
): Stage {
  const cell = roundSize(0.9 * size);
  const far = 60 * size;

  const { material, colors } = groundMaterial(cell);
  const floor = new Mesh(new CircleGeometry(far, 64), material);
  floor.receiveShadow = true;
  scene.add(floor);

  const sky = new Mesh(
    new SphereGeometry(2 * far, 32, 24),
    new ShaderMaterial({
      side: BackSide,
      depthWrite: false,
      fog: false,
      uniforms: { zenith: { value: new Color() }, horizon: { value: new Color() } },
      vertexShader:
        "varying vec3 ray; void main() { ray = position; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.); }",
      fragmentShader: `
        uniform vec3 zenith; uniform vec3 horizon; varying vec3 ray;
        void main() {
          float height = clamp(normalize(ray).z * 1.8, 0., 1.);
          gl_FragColor = vec4(mix(horizon, zenith, pow(height, 0.7)), 1.);
          #include <colorspace_fragment>
        }`,
    }),
  );
  // Last, where nothing else is.
  sky.renderOrder = 1;
  scene.add(sky);

  const fog = new Fog(0, 10 * size, 42 * size);
  scene.fog = fog;
  const ambient = new HemisphereLight();
  ambient.position.set(0, 0, 1);
  const sun = new DirectionalLight();
  sun.castShadow = true;
  sun.shadow.mapSize.setScalar(2048);
  sun.shadow.radius = 3;
  sun.shadow.normalBias = 0.006 * size;
  const { camera } = sun.shadow;
  [camera.left, camera.right, camera.bottom, camera.top] = [-2 * size, 2 * size, -2 * size, 2 * size];
  [camera.near, camera.far] = [0.1 * size, 14 * size];
  scene.add(ambient, sun, sun.target);

  const mark = marks === undefined ? undefined : createMarks(scene, roundSize(3 * size), marks, ground + 0.002 * size);
  let theme: Theme;
  return {
    setTheme(next) {
      theme = next;
      colors.forEach((color, i) => {
        color.set(theme.ground[i]);
      });
      const { zenith, horizon } = sky.material.uniforms;
      (zenith.value as Color).set(theme.zenith);
      (horizon.value as Color).set(theme.horizon);
      fog.color.set(theme.horizon);
      ambient.color.set("#ffffff");
      ambient.groundColor.set(theme.ground[1]);
      ambient.intensity = theme.ambient;
      sun.intensity = theme.sun;
    },
    follow(x, y) {
      floor.position.set(x, y, ground);
      sky.position.set(x, y, ground);
      sun.target.position.set(x, y, ground);
      sun.position.set(x - 2.2 * size, y - 3.2 * size, ground + 6 * size);
      mark?.(x, theme);
    },
  };
}
