/** @file Football seen from above: the pitch, both teams, the ball and its way. */

import { fromBase64, type PitchRecording } from "../../../envs/recording.ts";
import { agentColors, FAMILY, teamColors } from "../colors.ts";
import { createPlaneView, drawCard, type Sheet } from "../plane.ts";
import type { EpisodeNotes, View } from "../view.ts";

/** Radius of a player as drawn, m; a real one would not be seen. */
const PLAYER = 1.25;
/** How many frames back the ball's way is drawn. */
const TRAIL = 15;
/** Where a player who was sent off is said to be, cm. */
const SENT_OFF = -32_768;
/** Further in one frame than anybody runs and any ball flies, m: the game has skipped ahead. */
const SKIP = 8;

const modes = ["", "kick-off", "goal kick", "free kick", "corner", "throw-in", "penalty"];

export function createPitchView(recording: PitchRecording, { agents, action }: EpisodeNotes): View {
  const { frames, roles, secondsPerFrame } = recording;
  const { halfLength, halfWidth, goalHalfWidth } = recording.pitch;
  const ours = roles[0].length;
  const count = ours + roles[1].length;
  const ball = new Int16Array(fromBase64(recording.ball));
  const players = new Int16Array(fromBase64(recording.players));
  const owner = new Int8Array(fromBase64(recording.owner));
  const controlled = new Int8Array(fromBase64(recording.controlled));
  const score = new Uint8Array(fromBase64(recording.score));
  const mode = new Uint8Array(fromBase64(recording.mode));
  const colors = agentColors(agents.length);
  const whole = (frame: number): number => Math.min(Math.floor(frame), frames - 1);

  /** Whether the places of a frame follow from those of the one before: nobody scored, and nothing jumped. */
  const follows = Uint8Array.from({ length: frames }, (_, f) => {
    if (f === 0) return 0;
    const scored = [0, 1].some((team) => score[2 * f + team] !== score[2 * f - 2 + team]);
    const flown = Math.hypot(ball[3 * f] - ball[3 * f - 3], ball[3 * f + 1] - ball[3 * f - 2]) / 100;
    return scored || flown > SKIP ? 0 : 1;
  });

  /** m, between two frames where there is a between. */
  function between(numbers: Int16Array, frame: number, width: number, index: number): number {
    const first = whole(frame);
    const second = Math.min(first + 1, frames - 1);
    const [a, b] = [numbers[first * width + index], numbers[second * width + index]];
    return (follows[second] === 1 && b !== SENT_OFF ? a + (frame - first) * (b - a) : a) / 100;
  }
  const xOf = (p: number, frame: number): number => between(players, frame, 2 * count, 2 * p);
  const yOf = (p: number, frame: number): number => between(players, frame, 2 * count, 2 * p + 1);
  const plays = (p: number, frame: number): boolean => players[2 * (whole(frame) * count + p)] !== SENT_OFF;
  const ballAt = (frame: number, axis: number): number => between(ball, frame, 3, axis);
  /** The player who has the ball; −1: nobody. */
  function ownerAt(frame: number): number {
    const [team, number] = [owner[2 * whole(frame)], owner[2 * whole(frame) + 1]];
    return team < 0 || number < 0 ? -1 : team * ours + number;
  }
  /** The agent that moves a player; −1: none does. */
  function agentOf(p: number, frame: number): number {
    if (p >= ours) return -1;
    const start = whole(frame) * agents.length;
    return controlled.subarray(start, start + agents.length).indexOf(p);
  }
  const nameOf = (p: number): string =>
    `${p < ours ? "ours" : "theirs"} ${p < ours ? p : p - ours} · ${p < ours ? roles[0][p] : roles[1][p - ours]}`;

  function drawPitch({ context, x, y, scale, theme }: Sheet): void {
    const dark = theme.ambient < 1.3;
    const grass = dark ? ["#1f4030", "#1b392b"] : ["#8fc49b", "#86bb92"];
    const border = 4;
    const rectangle = (
      left: number,
      bottom: number,
      right: number,
      top: number,
    ): readonly [number, number, number, number] => [x(left), y(top), (right - left) * scale, (top - bottom) * scale];
    context.fillStyle = grass[1];
    context.fillRect(...rectangle(-halfLength - border, -halfWidth - border, halfLength + border, halfWidth + border));
    const stripes = 12;
    for (let i = 0; i < stripes; i++) {
      context.fillStyle = grass[i % 2];
      const left = -halfLength + (2 * halfLength * i) / stripes;
      context.fillRect(...rectangle(left, -halfWidth, left + (2 * halfLength) / stripes, halfWidth));
    }
    context.strokeStyle = dark ? "rgba(238, 243, 250, .55)" : "rgba(255, 255, 255, .92)";
    context.lineWidth = Math.max(0.18 * scale, 1);
    context.setLineDash([]);
    const arc = (atX: number, atY: number, radius: number, from = 0, to = 2 * Math.PI): void => {
      context.beginPath();
      context.arc(x(atX), y(atY), radius * scale, from, to);
      context.stroke();
    };
    context.strokeRect(...rectangle(-halfLength, -halfWidth, halfLength, halfWidth));
    context.beginPath();
    context.moveTo(x(0), y(-halfWidth));
    context.lineTo(x(0), y(halfWidth));
    context.stroke();
    // The Laws of the Game, law 1: circle 9.15; penalty area 16.5 deep and 40.3 wide, goal area 5.5 and 18.3; spot 11.
    arc(0, 0, 9.15);
    const angle = Math.acos(5.5 / 9.15);
    for (const side of [-1, 1]) {
      const goal = side * halfLength;
      const box = (depth: number, half: number): void =>
        context.strokeRect(
          ...rectangle(Math.min(goal, goal - side * depth), -half, Math.max(goal, goal - side * depth), half),
        );
      box(16.5, 20.16);
      box(5.5, 9.16);
      box(-2.4, goalHalfWidth);
      const facing = side > 0 ? Math.PI : 0;
      arc(goal - side * 11, 0, 9.15, facing - angle, facing + angle);
      for (const spot of [goal - side * 11, 0]) {
        context.fillStyle = context.strokeStyle;
        context.beginPath();
        context.arc(x(spot), y(0), Math.max(0.25 * scale, 1), 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  function drawPlayer(sheet: Sheet, p: number, frame: number): void {
    const { context, x, y, scale, pointing } = sheet;
    const size = PLAYER * scale;
    const [atX, atY] = [x(xOf(p, frame)), y(yOf(p, frame))];
    const agent = agentOf(p, frame);
    const keeper = (p < ours ? roles[0][p] : roles[1][p - ours]) === "GK";
    // Where they run: a nose, from how far they get in the next frame.
    const now = whole(frame);
    const next = Math.min(now + 1, frames - 1);
    const [runX, runY] = [xOf(p, next) - xOf(p, now), yOf(p, next) - yOf(p, now)];
    const pace = Math.hypot(runX, runY);
    context.fillStyle = teamColors[p < ours ? 0 : 1];
    if (follows[next] === 1 && pace > 0.05) {
      const angle = Math.atan2(-runY, runX);
      context.beginPath();
      context.moveTo(atX + 1.75 * size * Math.cos(angle), atY + 1.75 * size * Math.sin(angle));
      for (const turn of [-0.6, 0.6])
        context.lineTo(atX + size * Math.cos(angle + turn), atY + size * Math.sin(angle + turn));
      context.fill();
    }
    // Those that agents move have a ring of the agent's colour.
    if (agent >= 0) {
      context.strokeStyle = colors[agent];
      context.lineWidth = Math.max(0.45 * scale, 2);
      context.beginPath();
      context.arc(atX, atY, 1.42 * size, 0, 2 * Math.PI);
      context.stroke();
    }
    context.beginPath();
    if (keeper) context.roundRect(atX - 0.95 * size, atY - 0.95 * size, 1.9 * size, 1.9 * size, 0.3 * size);
    else context.arc(atX, atY, size, 0, 2 * Math.PI);
    context.fill();
    const marked = p === pointing.hovered || p === pointing.picked || p === ownerAt(frame);
    context.strokeStyle = marked ? "#fff" : "rgba(255, 255, 255, .6)";
    context.lineWidth = marked ? 2.5 : 1;
    context.stroke();
    if (size < 6.5) return;
    context.fillStyle = "#fff";
    context.font = `650 ${Math.min(0.95 * size, 15)}px ${FAMILY}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(p < ours ? p : p - ours), atX, atY + 0.04 * size);
  }

  function drawBall({ context, x, y, scale }: Sheet, frame: number): void {
    context.lineCap = "round";
    context.strokeStyle = "#fff";
    context.lineWidth = Math.max(0.35 * scale, 1.5);
    for (let back = TRAIL; back > 0; back--) {
      const [from, to] = [whole(frame) - back, whole(frame) - back + 1];
      if (from < 0) continue;
      if (follows[to] === 0) continue;
      context.globalAlpha = 0.55 * (1 - back / (TRAIL + 1));
      context.beginPath();
      context.moveTo(x(ballAt(from, 0)), y(ballAt(from, 1)));
      context.lineTo(x(ballAt(to, 0)), y(ballAt(to, 1)));
      context.stroke();
    }
    context.lineCap = "butt";
    const height = Math.max(ballAt(frame, 2), 0);
    const size = Math.max(0.62 * scale, 2.5);
    const [atX, atY] = [x(ballAt(frame, 0)), y(ballAt(frame, 1))];
    context.globalAlpha = 0.35;
    context.fillStyle = "#000";
    context.beginPath();
    context.arc(atX + 0.15 * size, atY + 0.25 * size, size, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
    // In the air it is nearer to who looks, and stands off from its shadow.
    const [lift, grown] = [0.5 * height * scale, size * (1 + 0.12 * Math.min(height, 8))];
    context.fillStyle = "#fff";
    context.strokeStyle = "#17202c";
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(atX, atY - lift, grown, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }

  function describe(p: number, frame: number): string[] {
    const now = whole(frame);
    const next = Math.min(now + 1, frames - 1);
    const agent = agentOf(p, frame);
    const speed = Math.hypot(xOf(p, next) - xOf(p, now), yOf(p, next) - yOf(p, now)) / secondsPerFrame;
    return [
      nameOf(p),
      agent >= 0 ? `moved by ${agents[agent].replace(/_/g, " ")}` : "moved by the game",
      ...(agent >= 0 && action(agent, frame) !== undefined ? [action(agent, frame)!.replace(/_/g, " ")] : []),
      ...(ownerAt(frame) === p ? ["has the ball"] : []),
      ...(follows[next] === 1 ? [`${speed.toFixed(1)} m/s`] : []),
      `x ${xOf(p, frame).toFixed(1)} m, y ${yOf(p, frame).toFixed(1)} m`,
    ];
  }

  const margin = 5;
  return {
    ...createPlaneView({
      bounds: [-halfLength - margin, -halfWidth - margin, halfLength + margin, halfWidth + margin],
      agents: agents.length,
      draw(sheet, frame) {
        drawPitch(sheet);
        for (let p = count - 1; p >= 0; p--) if (plays(p, frame)) drawPlayer(sheet, p, frame);
        drawBall(sheet, frame);
        const { context, x, y, textScale, theme, pointing } = sheet;
        const said = modes[mode[whole(frame)]];
        if (said) {
          context.fillStyle = theme.ink;
          context.font = `600 ${16 * textScale}px ${FAMILY}`;
          context.textAlign = "center";
          context.textBaseline = "bottom";
          context.fillText(said, x(0), y(halfWidth + 0.8));
        }
        const told = pointing.hovered >= 0 ? pointing.hovered : pointing.picked;
        if (told < 0 || !plays(told, frame)) return;
        drawCard(sheet, describe(told, frame), x(xOf(told, frame)) + 2.2 * sheet.scale, y(yOf(told, frame)));
      },
      pick(x, y, frame, slack) {
        let [nearest, least] = [-1, PLAYER + slack];
        for (let p = 0; p < count; p++) {
          const distance = Math.hypot(xOf(p, frame) - x, yOf(p, frame) - y);
          if (plays(p, frame) && distance < least) [nearest, least] = [p, distance];
        }
        return nearest;
      },
    }),
    colors,
    detail(agent, frame) {
      const p = controlled[whole(frame) * agents.length + agent];
      const role = p >= 0 ? `${p} ${roles[0][p]}` : "nobody";
      const chosen = action(agent, frame)?.replace(/_/g, " ");
      return chosen ? `${role} · ${chosen}` : role;
    },
    tally: (frame) => ({ value: `${score[2 * whole(frame)]} : ${score[2 * whole(frame) + 1]}`, name: "goals" }),
  };
}
