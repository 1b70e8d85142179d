/** @file Battles seen from above: units, their health, whom they attack, and what they see. */

import { type BattleRecording, fromBase64, PLACES_PER_UNIT, type UnitLooks } from "../../../envs/recording.ts";
import { FAMILY, teamColors } from "../colors.ts";
import { createPlaneView, drawCard, fadeWritten, type Sheet } from "../plane.ts";
import type { EpisodeNotes, View } from "../view.ts";
import { drawUnitShape } from "./shapes.ts";

/** Parts of a step after it began, between which a shot is seen. */
const SHOT = [0.05, 0.75] as const;

/** Units of the map that are seen around where units go. */
const ROOM = 2.5;

export function createBattleView(recording: BattleRecording, { agents, action }: EpisodeNotes): View {
  const { frames, mapSize, allies, unitTypes, types, cones, deadlyWalls } = recording;
  const units = types.length;
  const places = new Int16Array(fromBase64(recording.places));
  const [health, shield, cooldown] = [recording.health, recording.shield, recording.cooldown].map(
    (text) => new Float32Array(fromBase64(text)),
  );
  const targets = new Int8Array(fromBase64(recording.targets));
  const acted = new Uint8Array(fromBase64(recording.acted));
  const directions = cones && new Float32Array(fromBase64(cones.directions));
  const names = types.map((_, k) => (k < allies ? agents[k] : `enemy_${k - allies}`));
  const typeOf = (k: number): UnitLooks => unitTypes[types[k]];
  const colorOf = (k: number): string => teamColors[k < allies ? 0 : 1];
  const whole = (frame: number): number => Math.min(Math.floor(frame), frames - 1);

  /** What lies between two frames of numbers, `width` for each unit. */
  function between(numbers: ArrayLike<number>, frame: number, index: number, width = 1): number {
    const first = whole(frame);
    const second = Math.min(first + 1, frames - 1);
    const a = numbers[first * units * width + index];
    return a + (frame - first) * (numbers[second * units * width + index] - a);
  }
  const xOf = (k: number, frame: number): number => between(places, frame, 2 * k, 2) / PLACES_PER_UNIT;
  const yOf = (k: number, frame: number): number => between(places, frame, 2 * k + 1, 2) / PLACES_PER_UNIT;
  const lives = (k: number, frame: number): boolean => health[whole(frame) * units + k] > 0;
  /** The frame that ends the step which is under way. */
  const nextOf = (frame: number): number => Math.min(whole(frame) + 1, frames - 1);
  /** Whom a unit is after in the step under way; −1: nobody. */
  const targetOf = (k: number, frame: number): number => targets[nextOf(frame) * units + k];

  function living(frame: number): readonly [number, number] {
    const count = [0, 0];
    for (let k = 0; k < units; k++) if (lives(k, frame)) count[k < allies ? 0 : 1]++;
    return [count[0], count[1]];
  }

  /** What a unit is about, for people. */
  function deed(k: number, frame: number): string {
    if (!lives(k, frame)) return "dead";
    const chosen = k < allies ? action(k, frame) : undefined;
    // Some choices are to attack for those who fight and to heal for the others.
    const own = typeOf(k).heals ? /attack \w+, or (?=heal)/ : /, or heal \w+/;
    if (chosen !== undefined) return chosen.replace(own, "").replace(/_/g, " ");
    const target = targetOf(k, frame);
    if (target >= 0) return `${typeOf(k).heals ? "heals" : "attacks"} ${names[target].replace(/_/g, " ")}`;
    const [now, next] = [whole(frame), nextOf(frame)];
    const moved = Math.hypot(xOf(k, next) - xOf(k, now), yOf(k, next) - yOf(k, now));
    return moved > 0.05 ? "moves" : "waits";
  }

  function drawMap({ context, theme, x, y, scale }: Sheet): void {
    context.fillStyle = theme.ground[0];
    context.fillRect(x(0), y(mapSize), mapSize * scale, mapSize * scale);
    context.fillStyle = theme.ground[1];
    const cell = 2;
    for (let i = 0; i * cell < mapSize; i++)
      for (let j = i % 2; j * cell < mapSize; j += 2)
        context.fillRect(x(i * cell), y((j + 1) * cell), cell * scale, cell * scale);
    // Walls that kill are drawn as such.
    context.strokeStyle = deadlyWalls ? "#c0392b" : theme.faintInk;
    context.lineWidth = deadlyWalls ? 3 : 1.5;
    context.setLineDash(deadlyWalls ? [9, 5] : []);
    context.strokeRect(x(0), y(mapSize), mapSize * scale, mapSize * scale);
    context.setLineDash([]);
  }

  function circle(sheet: Sheet, k: number, frame: number, radius: number): void {
    sheet.context.beginPath();
    sheet.context.arc(sheet.x(xOf(k, frame)), sheet.y(yOf(k, frame)), radius * sheet.scale, 0, 2 * Math.PI);
  }

  function drawCone(sheet: Sheet, k: number, frame: number, alpha: number): void {
    if (!cones || !directions || k >= allies) return;
    const { context, scale, x, y } = sheet;
    // It turns at once, when the step begins.
    const direction = directions[nextOf(frame) * allies + k];
    const [atX, atY] = [x(xOf(k, frame)), y(yOf(k, frame))];
    context.globalAlpha = alpha;
    context.fillStyle = colorOf(k);
    context.beginPath();
    context.moveTo(atX, atY);
    context.arc(atX, atY, typeOf(k).sight * scale, -direction - cones.angle / 2, -direction + cones.angle / 2);
    context.closePath();
    context.fill();
    context.globalAlpha = 1;
  }

  /** How far it may attack, a line; how far it sees, dashes. */
  function drawReach(sheet: Sheet, k: number, frame: number): void {
    const { context } = sheet;
    const { range, sight } = typeOf(k);
    context.strokeStyle = colorOf(k);
    context.lineWidth = 1.5;
    context.globalAlpha = 0.08;
    context.fillStyle = colorOf(k);
    circle(sheet, k, frame, range);
    context.fill();
    context.globalAlpha = 0.8;
    context.stroke();
    context.setLineDash([5, 6]);
    context.globalAlpha = 0.55;
    circle(sheet, k, frame, sight);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    drawCone(sheet, k, frame, 0.28);
  }

  function drawAttack(sheet: Sheet, k: number, frame: number): void {
    const target = targetOf(k, frame);
    if (target < 0 || !lives(k, frame) || !lives(target, frame)) return;
    const { context, x, y, scale, theme } = sheet;
    const [fromX, fromY, toX, toY] = [xOf(k, frame), yOf(k, frame), xOf(target, frame), yOf(target, frame)];
    const distance = Math.hypot(toX - fromX, toY - fromY) || 1;
    const { radius, heals } = typeOf(k);
    const [a, b] = [radius / distance, 1 - (0.6 * typeOf(target).radius) / distance];
    if (a >= b && distance > radius) return;
    const at = (part: number): [number, number] => [x(fromX + part * (toX - fromX)), y(fromY + part * (toY - fromY))];
    const fraction = frame - whole(frame);
    const shoots = acted[nextOf(frame) * units + k] === 1 && frame < frames - 1;
    context.strokeStyle = heals ? "#009e73" : colorOf(k);
    context.lineWidth = Math.max(0.08 * scale, 1.4);
    context.globalAlpha = shoots ? 0.95 : 0.4;
    context.setLineDash(shoots ? [] : [4, 5]);
    context.beginPath();
    context.moveTo(...at(a));
    context.lineTo(...at(Math.max(b, a)));
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    if (!shoots || fraction < SHOT[0] || fraction > SHOT[1]) return;
    // The shot, on its way.
    const part = a + ((b - a) * (fraction - SHOT[0])) / (SHOT[1] - SHOT[0]);
    context.fillStyle = theme.ink;
    context.beginPath();
    context.arc(...at(part), Math.max(0.11 * scale, 1.6), 0, 2 * Math.PI);
    context.fill();
  }

  function drawBars(sheet: Sheet, k: number, frame: number): void {
    const { context, x, y, scale } = sheet;
    const type = typeOf(k);
    const wide = Math.max(2.3 * type.radius * scale, 12);
    const tall = Math.max(0.13 * scale, 2.5);
    const left = x(xOf(k, frame)) - wide / 2;
    let top = y(yOf(k, frame)) - (type.radius + 0.22) * scale - tall;
    const bar = (share: number, color: string): void => {
      context.fillStyle = "rgba(10, 16, 26, .62)";
      context.fillRect(left - 1, top - 1, wide + 2, tall + 2);
      context.fillStyle = color;
      context.fillRect(left, top, wide * Math.min(Math.max(share, 0), 1), tall);
      top -= tall + 2;
    };
    const share = between(health, frame, k) / type.health;
    bar(share, share > 0.6 ? "#3fbf6b" : share > 0.3 ? "#e6b422" : "#e0483b");
    if (type.shield > 0) bar(between(shield, frame, k) / type.shield, "#63b4f4");
  }

  function drawUnit(sheet: Sheet, k: number, frame: number): void {
    const { context, x, y, scale, theme, pointing } = sheet;
    const { radius, name, flies } = typeOf(k);
    const [atX, atY, size] = [x(xOf(k, frame)), y(yOf(k, frame)), radius * scale];
    // Whoever dies in this step fades as it goes.
    const dying = health[nextOf(frame) * units + k] <= 0;
    const alpha = dying ? 1 - 0.85 * (frame - whole(frame)) : 1;
    if (flies) {
      context.globalAlpha = 0.2 * alpha;
      context.fillStyle = "#000";
      context.beginPath();
      context.ellipse(atX + 0.35 * size, atY + 0.6 * size, size, 0.7 * size, 0, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = alpha;
    drawUnitShape(context, name, atX, atY, size);
    context.fillStyle = colorOf(k);
    context.fill();
    const marked = k === pointing.picked || k === pointing.hovered;
    context.strokeStyle = marked ? theme.ink : "rgba(255, 255, 255, .85)";
    context.lineWidth = marked ? 2.5 : Math.max(0.05 * scale, 1);
    context.stroke();
    if (size > 6.5) {
      context.fillStyle = "#fff";
      context.font = `650 ${Math.min(0.95 * size, 16)}px ${FAMILY}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(String(k < allies ? k : k - allies), atX, atY + 0.04 * size);
    }
    context.globalAlpha = 1;
    drawBars(sheet, k, frame);
  }

  /** A mark where a unit fell, and, in the step in which one bursts, how far. */
  function drawDeath(sheet: Sheet, k: number, frame: number): void {
    const { context, x, y, scale } = sheet;
    const { radius, burst } = typeOf(k);
    if (lives(k, frame)) {
      if (burst > 0 && health[nextOf(frame) * units + k] <= 0) {
        context.globalAlpha = 0.3 * (frame - whole(frame));
        context.fillStyle = colorOf(k);
        circle(sheet, k, frame, burst);
        context.fill();
        context.globalAlpha = 1;
      }
      return;
    }
    const [atX, atY, arm] = [x(xOf(k, frame)), y(yOf(k, frame)), 0.6 * radius * scale];
    context.globalAlpha = 0.5;
    context.strokeStyle = colorOf(k);
    context.lineWidth = Math.max(0.12 * scale, 1.5);
    context.beginPath();
    for (const turn of [-1, 1]) {
      context.moveTo(atX - arm, atY - turn * arm);
      context.lineTo(atX + arm, atY + turn * arm);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  const tenths = (value: number): string => String(Math.round(10 * value) / 10);

  function describe(k: number, frame: number): string[] {
    const now = whole(frame) * units + k;
    const { name, shield: fullShield, health: fullHealth, range, sight, heals } = typeOf(k);
    return [
      `${names[k].replace(/_/g, " ")} · ${name}`,
      `health ${tenths(health[now])} / ${fullHealth}`,
      ...(fullShield > 0 ? [`shield ${tenths(shield[now])} / ${fullShield}`] : []),
      deed(k, frame),
      ...(heals || !lives(k, frame)
        ? []
        : [cooldown[now] > 0 ? `attacks again in ${cooldown[now].toFixed(2)} s` : "ready to attack"]),
      `${heals ? "heals" : "attacks"} to ${tenths(range)}, sees to ${tenths(sight)}`,
      `x ${tenths(xOf(k, frame))}, y ${tenths(yOf(k, frame))}`,
    ];
  }

  /** What of the map the battle takes place on, with room around it. */
  function battlefield(): readonly [number, number, number, number] {
    const [xs, ys]: [number[], number[]] = [[], []];
    for (let frame = 0; frame < frames; frame++)
      for (let k = 0; k < units; k++)
        if (lives(k, frame)) {
          xs.push(xOf(k, frame));
          ys.push(yOf(k, frame));
        }
    const low = (all: readonly number[]): number => Math.max(all.reduce((a, b) => Math.min(a, b)) - ROOM, -1);
    const high = (all: readonly number[]): number => Math.min(all.reduce((a, b) => Math.max(a, b)) + ROOM, mapSize + 1);
    return [low(xs), low(ys), high(xs), high(ys)];
  }

  const order = types.map((_, k) => k).sort((a, b) => Number(typeOf(a).flies) - Number(typeOf(b).flies));
  return {
    ...createPlaneView({
      bounds: battlefield(),
      agents: agents.length,
      draw(sheet, frame) {
        drawMap(sheet);
        fadeWritten(sheet);
        const { hovered, picked } = sheet.pointing;
        const alive = order.filter((k) => lives(k, frame));
        for (const k of order) drawDeath(sheet, k, frame);
        for (const k of alive) if (k !== picked && k !== hovered) drawCone(sheet, k, frame, 0.1);
        for (const k of new Set([picked, hovered])) if (k >= 0 && lives(k, frame)) drawReach(sheet, k, frame);
        for (const k of alive) drawUnit(sheet, k, frame);
        for (const k of alive) drawAttack(sheet, k, frame);
        const told = hovered >= 0 ? hovered : picked;
        if (told < 0) return;
        const beside = (typeOf(told).radius + 0.6) * sheet.scale;
        drawCard(sheet, describe(told, frame), sheet.x(xOf(told, frame)) + beside, sheet.y(yOf(told, frame)));
      },
      pick(x, y, frame, slack) {
        let [nearest, least] = [-1, Number.POSITIVE_INFINITY];
        for (let k = 0; k < units; k++) {
          // The living before the dead.
          const distance = Math.hypot(xOf(k, frame) - x, yOf(k, frame) - y) + (lives(k, frame) ? 0 : slack);
          if (distance <= typeOf(k).radius + slack && distance < least) [nearest, least] = [k, distance];
        }
        return nearest;
      },
    }),
    colors: agents.map((_, k) => colorOf(k)),
    detail: (k, frame) => `${typeOf(k).name} · ${deed(k, frame)}`,
    levels: (frame) =>
      agents.map((_, k) => {
        const type = typeOf(k);
        const full = type.health + type.shield;
        return (between(health, frame, k) + between(shield, frame, k)) / full;
      }),
    tally(frame) {
      const [ours, theirs] = living(frame);
      return { value: `${ours} : ${theirs}`, name: "alive" };
    },
  };
}
