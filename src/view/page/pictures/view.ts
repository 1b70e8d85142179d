/** @file Pictures that an environment drew, one for each frame, which are decoded when they are needed. */

import type { PicturesRecording } from "../../../envs/recording.ts";
import { createPlaneView } from "../plane.ts";
import type { EpisodeNotes, View } from "../view.ts";

/** Of all agents: which of them the environment drew in what colour is not known. */
const COLOR = "#8795a6";
/** Pictures that are kept decoded, and how many of those are ahead of the one that is shown. */
const KEPT = 60;
const AHEAD = 8;

interface Picture {
  readonly image: HTMLImageElement;
  /** Rejects if there is no picture in it. */
  readonly ready: Promise<void>;
}

export function createPicturesView(
  { frames, width, height, mediaType, pictures }: PicturesRecording,
  { agents, action }: EpisodeNotes,
): View {
  /** By frame, in the order in which they were wanted last. */
  const decoded = new Map<number, Picture>();
  let onChange = (): void => {};
  let shown: HTMLImageElement | undefined;

  const whole = (frame: number): number => Math.min(Math.floor(frame), frames - 1);
  function want(frame: number): Picture {
    let found = decoded.get(frame);
    decoded.delete(frame);
    if (!found) {
      const image = new Image();
      image.src = `data:${mediaType};base64,${pictures[frame]}`;
      const ready = image.decode().catch(() => {
        throw new Error(`step ${frame}: the picture can't be decoded; is it a whole one, and an SVG well-formed?`);
      });
      found = { image, ready };
      found.ready.then(
        () => onChange(),
        () => {},
      );
    }
    decoded.set(frame, found);
    for (const oldest of decoded.keys()) {
      if (decoded.size <= KEPT) break;
      decoded.delete(oldest);
    }
    return found;
  }

  const plane = createPlaneView({
    bounds: [0, 0, width, height],
    agents: agents.length,
    draw({ context, scale, x, y }, frame) {
      const now = whole(frame);
      for (let ahead = Math.min(now + AHEAD, frames - 1); ahead > now; ahead--) want(ahead);
      const { image } = want(now);
      // Until it is decoded, the one before stays; also if it can't be.
      if (image.complete && image.naturalWidth > 0) shown = image;
      if (!shown) return;
      // Little pictures keep their pixels.
      context.imageSmoothingEnabled = scale < 2;
      context.imageSmoothingQuality = "high";
      // A picture of another size than the first keeps its proportions.
      const { naturalWidth, naturalHeight } = shown;
      const fit = scale * Math.min(width / naturalWidth, height / naturalHeight);
      const [wide, high] = [naturalWidth * fit, naturalHeight * fit];
      const [left, top] = [x(0) + (width * scale - wide) / 2, y(height) + (height * scale - high) / 2];
      context.drawImage(shown, left, top, wide, high);
    },
    pick: () => -1,
  });
  return {
    ...plane,
    attach(listener) {
      onChange = listener;
      plane.attach(listener);
    },
    colors: agents.map(() => COLOR),
    detail: (agent, frame) => action(agent, frame)?.replace(/_/g, " ") ?? "",
    load: (frame) => want(whole(frame)).ready,
  };
}
