/** @file Types of gifenc, which has none of its own: what is used of it. */

declare module "gifenc" {
  type Palette = number[][];
  /** At most `maxColors` colours for pixels r, g, b, a. */
  export function quantize(rgba: Uint8Array | Uint8ClampedArray, maxColors: number): Palette;
  /** By pixel: the index of the nearest colour. */
  export function applyPalette(rgba: Uint8Array | Uint8ClampedArray, palette: Palette): Uint8Array;
  export function GIFEncoder(): {
    writeFrame(
      indices: Uint8Array,
      width: number,
      height: number,
      options: {
        readonly palette?: Palette;
        /** ms */
        readonly delay: number;
        readonly transparent?: boolean;
        readonly transparentIndex?: number;
        readonly dispose?: number;
      },
    ): void;
    finish(): void;
    bytesView(): Uint8Array;
  };
}
