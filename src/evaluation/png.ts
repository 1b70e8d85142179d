/** @file Figures as PNG, for documents that take no SVG. */

/** Pixels for each of the SVG's: sharp on paper and on dense screens. */
const SCALE = 2;
/** Where there is neither Helvetica nor Arial nor Liberation Sans, as on many a Linux. */
const FALLBACK_FONT = "DejaVu Sans";

/**
 * An SVG document as a PNG image.
 *
 * Text is set in the fonts of this machine: the SVG's own where there, else whatever sans-serif there is.
 */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: SCALE },
    background: "white",
    font: { loadSystemFonts: true, sansSerifFamily: FALLBACK_FONT, defaultFontFamily: FALLBACK_FONT },
  });
  return image.render().asPng();
}
