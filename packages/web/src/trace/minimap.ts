// The whole trace in 48 pixels: every span a run of pixels, failures on top.
import type { Axis } from './axis.ts';
import { isFailure, type Trace } from './model.ts';

export const MINIMAP_HEIGHT = 48;

/** In a raster: nothing here. Otherwise the service's colour number, or {@link FAILED}. */
export const EMPTY = 255;
export const FAILED = 254;

/** Lanes thicker than this look like bars of something else. */
const THICKEST = 4;

/**
 * `width * height` cells, row by row. Spans stand from top to bottom in drawing order; those that share a line of pixels
 * cover each other, later over earlier, failures over all.
 */
export function minimapRaster(trace: Trace, axis: Axis, width: number, height = MINIMAP_HEIGHT): Uint8Array {
  const cells = new Uint8Array(width * height).fill(EMPTY);
  const pitch = Math.min(THICKEST + 1, height / Math.max(1, trace.count));
  const thick = Math.max(1, Math.floor(pitch) - (pitch >= 2 ? 1 : 0));
  const scale = axis.cuts.length === 0 ? width / axis.total : 0;
  for (let pass = 0; pass < 2; pass++) {
    for (let row = 0; row < trace.count; row++) {
      const failed = isFailure(trace.status[row]!);
      if (failed !== (pass === 1)) continue;
      const from = scale ? trace.start[row]! * scale : axis.unit(trace.start[row]!) * width;
      const to = scale ? trace.end[row]! * scale : axis.unit(trace.end[row]!) * width;
      const left = Math.min(width - 1, Math.max(0, Math.floor(from)));
      const right = Math.min(width, Math.max(left + 1, Math.round(to)));
      const top = Math.min(height - thick, Math.floor(row * pitch));
      const value = failed ? FAILED : trace.services[trace.service[row]!]!.color % 20;
      for (let y = top; y < top + thick; y++) cells.fill(value, y * width + left, y * width + right);
    }
  }
  return cells;
}
