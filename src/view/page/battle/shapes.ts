/** @file What units of each type look like from above. */

/** Corners of a polygon, by type; the others are discs. Fighters from afar are round or pointed, those from near edgy. */
const polygons: Readonly<Record<string, { readonly corners: number; readonly turn: number; readonly inner?: number }>> =
  {
    marauder: { corners: 8, turn: Math.PI / 8 },
    medivac: { corners: 4, turn: Math.PI / 4, inner: 0.55 },
    stalker: { corners: 4, turn: 0 },
    zealot: { corners: 4, turn: Math.PI / 4 },
    colossus: { corners: 6, turn: 0, inner: 0.78 },
    zergling: { corners: 3, turn: 0 },
    hydralisk: { corners: 5, turn: 0 },
    baneling: { corners: 9, turn: 0, inner: 0.76 },
  };

/** Lays the path of a unit of `radius` pixels around a point. */
export function drawUnitShape(
  context: CanvasRenderingContext2D,
  type: string,
  x: number,
  y: number,
  radius: number,
): void {
  context.beginPath();
  const form = polygons[type];
  if (!form) {
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  const { corners, turn, inner } = form;
  const points = inner === undefined ? corners : 2 * corners;
  // Of the disc's area, about.
  const outer = radius * (inner === undefined && corners < 6 ? 1.2 : 1.08);
  for (let i = 0; i < points; i++) {
    const angle = turn - Math.PI / 2 + (2 * Math.PI * i) / points;
    const reach = inner !== undefined && i % 2 === 1 ? outer * inner : outer;
    const [atX, atY] = [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
    if (i === 0) context.moveTo(atX, atY);
    else context.lineTo(atX, atY);
  }
  context.closePath();
}
