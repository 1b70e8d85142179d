/** @file A map seen from above, on a 2-D canvas that is shifted and zoomed by mouse, pen and fingers. */

import { day, FAMILY, type Theme } from "./colors.ts";
import { legendReach, textScaleOf } from "./overlay.ts";
import type { View } from "./view.ts";

/** What a point of the screen is over: a thing by number, or nothing. */
export interface Pointing {
  /** Under the pointer now, and clicked at last; −1: nothing. */
  hovered: number;
  picked: number;
}

/** How the map lies in the picture, in CSS pixels. */
export interface Sheet {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  /** Pixels for one unit of the map. */
  readonly scale: number;
  /** 1 in a picture of 1280 × 600 or so: what the size of text goes by. */
  readonly textScale: number;
  readonly pointing: Readonly<Pointing>;
  /** Pixels on the left and above that are written on. */
  readonly written: readonly [number, number];
  x(mapX: number): number;
  /** The map's y goes up. */
  y(mapY: number): number;
}

export interface Plane {
  /** What the first picture shows: [left, bottom, right, top], in units of the map. */
  readonly bounds: readonly [number, number, number, number];
  /** How many agents the legend has. */
  readonly agents: number;
  draw(sheet: Sheet, frame: number): void;
  /** The thing at a place of the map at a frame; `slack` units of the map may lie between; −1: there is none. */
  pick(x: number, y: number, frame: number, slack: number): number;
}

type PlaneView = Pick<View, "canvas" | "resize" | "setTheme" | "draw" | "attach" | "resetCamera" | "dispose">;

export function createPlaneView({ bounds, agents, draw, pick }: Plane): PlaneView {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false })!;
  const [left, bottom, right, top] = bounds;
  const pointing: Pointing = { hovered: -1, picked: -1 };
  const listeners = new AbortController();
  let theme: Theme = day;
  let [width, height, ratio] = [1, 1, 1];
  let frame = 0;
  // The map's point in the middle of the free part, and how much larger than at first it is.
  const middle = [(left + right) / 2, (bottom + top) / 2];
  let zoom = 1;

  function lay(): Sheet {
    const textScale = textScaleOf(width, height);
    // Room for what is written beside or above, whichever takes less of the picture, and for the controls below.
    const [legendRight, legendBottom] = legendReach(agents, width, height);
    const [edge, heading] = [28 * textScale, 88 * textScale];
    const written = width > height ? ([legendRight, heading] as const) : ([0, legendBottom] as const);
    // Little of a small picture is left otherwise; there the map lies under what is written.
    const beside = Math.min(Math.max(written[0], edge), 0.45 * width);
    const [above, below] = [Math.min(written[1], 0.45 * height), 84 * textScale];
    const [mapWidth, mapHeight] = [right - left, top - bottom];
    const fit = Math.max(Math.min((width - beside - edge) / mapWidth, (height - above - below) / mapHeight), 1e-9);
    // In the middle of the picture, or as near to it as the legend lets it.
    const middleX = Math.max(width / 2, beside + (fit * mapWidth) / 2);
    const middleY = above + (height - above - below) / 2;
    const scale = fit * zoom;
    return {
      ...{ context, width, height, theme, scale, textScale, pointing, written },
      x: (mapX) => middleX + (mapX - middle[0]) * scale,
      y: (mapY) => middleY - (mapY - middle[1]) * scale,
    };
  }

  /** The map's place at a point of the canvas. */
  function placeOf(event: PointerEvent | WheelEvent): readonly [number, number] {
    const box = canvas.getBoundingClientRect();
    const { x, y, scale } = lay();
    return [(event.clientX - box.left - x(0)) / scale, (y(0) - event.clientY + box.top) / scale];
  }

  return {
    canvas,
    resize(newWidth, newHeight, pixelRatio) {
      [width, height, ratio] = [newWidth, newHeight, pixelRatio];
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    },
    setTheme(next) {
      theme = next;
    },
    draw(at) {
      frame = at;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.globalAlpha = 1;
      context.fillStyle = theme.horizon;
      context.fillRect(0, 0, width, height);
      draw(lay(), at);
    },
    attach(onChange) {
      const pointers = new Map<number, PointerEvent>();
      let moved = 0;
      const options = { signal: listeners.signal };
      const slack = (event: PointerEvent): number => (event.pointerType === "mouse" ? 4 : 14) / lay().scale;
      const zoomBy = (factor: number, [x, y]: readonly [number, number]): void => {
        const next = Math.min(Math.max(zoom * factor, 0.5), 12);
        // What is under the pointer stays there.
        for (const [axis, at] of [x, y].entries()) middle[axis] = at + ((middle[axis] - at) * zoom) / next;
        zoom = next;
        onChange();
      };
      const spread = (): number => {
        const [a, b] = [...pointers.values()];
        return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      };
      canvas.addEventListener(
        "pointerdown",
        (event) => {
          canvas.setPointerCapture(event.pointerId);
          if (pointers.size === 0) moved = 0;
          pointers.set(event.pointerId, event);
        },
        options,
      );
      canvas.addEventListener(
        "pointermove",
        (event) => {
          const last = pointers.get(event.pointerId);
          if (!last) {
            const hovered = pick(...placeOf(event), frame, slack(event));
            if (hovered !== pointing.hovered) onChange();
            pointing.hovered = hovered;
            canvas.style.cursor = hovered >= 0 ? "pointer" : "";
            return;
          }
          const before = pointers.size === 2 ? spread() : 0;
          pointers.set(event.pointerId, event);
          const [dx, dy] = [event.clientX - last.clientX, event.clientY - last.clientY];
          moved += Math.abs(dx) + Math.abs(dy);
          if (pointers.size === 2) zoomBy(spread() / Math.max(before, 1), placeOf(event));
          const { scale } = lay();
          middle[0] -= dx / scale / pointers.size;
          middle[1] += dy / scale / pointers.size;
          onChange();
        },
        options,
      );
      const release = (event: PointerEvent): void => {
        const clicked = event.type === "pointerup" && pointers.has(event.pointerId) && moved < 5;
        pointers.delete(event.pointerId);
        if (!clicked) return;
        const picked = pick(...placeOf(event), frame, slack(event));
        pointing.picked = picked === pointing.picked ? -1 : picked;
        onChange();
      };
      canvas.addEventListener("pointerup", release, options);
      canvas.addEventListener("pointercancel", release, options);
      canvas.addEventListener(
        "pointerleave",
        () => {
          if (pointing.hovered >= 0) onChange();
          pointing.hovered = -1;
        },
        options,
      );
      canvas.addEventListener(
        "wheel",
        (event) => {
          event.preventDefault();
          zoomBy(Math.exp(-event.deltaY / (event.deltaMode === 0 ? 500 : 20)), placeOf(event));
        },
        { ...options, passive: false },
      );
    },
    resetCamera() {
      [middle[0], middle[1]] = [(left + right) / 2, (bottom + top) / 2];
      zoom = 1;
      pointing.picked = -1;
    },
    dispose: () => listeners.abort(),
  };
}

/** Fades what has been drawn of the ground where something is written. */
export function fadeWritten({ context, width, height, theme, written: [left, above] }: Sheet): void {
  for (const [toX, toY] of [
    [left, 0],
    [0, above],
  ]) {
    if (toX + toY === 0) continue;
    const gradient = context.createLinearGradient(0, 0, toX, toY);
    for (const [part, alpha] of [
      [0, "f0"],
      [0.85, "f0"],
      [1, "00"],
    ] as const)
      gradient.addColorStop(part, theme.horizon + alpha);
    context.fillStyle = gradient;
    context.fillRect(0, 0, toX || width, toY || height);
  }
}

/** Writes a card of lines beside a point, within the picture; the first line is its heading. */
export function drawCard(sheet: Sheet, lines: readonly string[], besideX: number, besideY: number): void {
  const { context, width, height, theme, textScale } = sheet;
  const size = Math.max(13 * textScale, 10);
  const line = size * 1.45;
  const fontOf = (i: number): string => `${i === 0 ? 650 : 400} ${size}px ${FAMILY}`;
  const wide = Math.max(
    ...lines.map((text, i) => {
      context.font = fontOf(i);
      return context.measureText(text).width;
    }),
  );
  const [boxWidth, boxHeight] = [wide + size * 1.6, lines.length * line + size];
  const x = besideX + boxWidth < width ? besideX : besideX - boxWidth - size * 3;
  const y = Math.min(Math.max(besideY - boxHeight / 2, 4), height - boxHeight - 4);
  context.globalAlpha = 0.92;
  context.fillStyle = theme.horizon;
  context.beginPath();
  context.roundRect(x, y, boxWidth, boxHeight, size * 0.6);
  context.fill();
  context.globalAlpha = 0.35;
  context.strokeStyle = theme.ink;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.stroke();
  context.globalAlpha = 1;
  context.textAlign = "left";
  context.textBaseline = "middle";
  lines.forEach((text, i) => {
    context.font = fontOf(i);
    context.fillStyle = i === 0 ? theme.ink : theme.faintInk;
    context.fillText(text, x + size * 0.8, y + size * 0.5 + (i + 0.5) * line);
  });
}
