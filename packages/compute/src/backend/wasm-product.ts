/**
 * A product of two matrices in the wasm backend's memory, block by block: the right operand is laid out in panels of
 * eight columns, which the kernel goes through for four rows of the left one at a time.
 */
import { PANEL, ROWS, type WasmSimd } from "./wasm-simd.ts";

export const FLOAT = 4;

/** A matrix in the backend's memory: where it begins, and what is from row to row and from column to column, in bytes. */
export interface Matrix {
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

interface Sides {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

export type Product = (a: Matrix, b: Matrix, out: Matrix, sides: Sides) => void;

export const productOf = (kernels: WasmSimd): Product => {
  const places = placesIn(kernels);
  return (a, b, out, { rows, inner, columns }) => {
    for (let firstColumn = 0; firstColumn < columns; firstColumn += COLUMNS)
      for (let firstInner = 0; firstInner < inner; firstInner += DEPTH) {
        const block = {
          firstInner,
          inner: Math.min(DEPTH, inner - firstInner),
          firstColumn,
          columns: Math.min(COLUMNS, columns - firstColumn),
        };
        layOut(kernels, places.panels, b, block);
        multiplyWide({ kernels, places, rows }, a, out, block);
        if (block.columns % PANEL !== 0) multiplyNarrow({ kernels, places, rows }, a, out, block);
      }
  };
};

/**
 * Of the right operand so much at once is laid out in panels: with a few rows of the left one it stays in the cache. It
 * is laid out anew for each product, which takes a hundredth of the time of one with hundreds of rows.
 */
const DEPTH = 256;
const COLUMNS = 256;
/** Rows for whose last, narrow panel there is a place beside the result. */
const NARROW_ROWS = 256;

/** Where in the backend's memory panels, a tile of the left operand and a narrow result stand. */
interface Places {
  readonly panels: number;
  readonly tile: number;
  readonly narrow: number;
}

const placesIn = ({ allocate }: WasmSimd): Places => {
  const [panels, tile, narrow] = [DEPTH * COLUMNS, DEPTH * ROWS, NARROW_ROWS * PANEL];
  const at = allocate(FLOAT * (panels + tile + narrow));
  return { panels: at, tile: at + FLOAT * panels, narrow: at + FLOAT * (panels + tile) };
};

/** A part of the inner side and of the columns. */
interface Block {
  readonly firstInner: number;
  readonly inner: number;
  readonly firstColumn: number;
  readonly columns: number;
}

const PANEL_STEP = PANEL * FLOAT;

const layOut = (kernels: WasmSimd, panels: number, b: Matrix, block: Block): void => {
  const size = block.inner * PANEL_STEP;
  for (let column = 0; column < block.columns; column += PANEL) {
    const from = b.at + block.firstInner * b.row + (block.firstColumn + column) * b.column;
    const into = panels + (column / PANEL) * size;
    const lines = Math.min(PANEL, block.columns - column);
    if (lines === PANEL && b.column === FLOAT) kernels.packRows(from, b.row, into, into + size);
    else kernels.pack(from, b.column, b.row, lines, into, into + size);
  }
};

interface Tools {
  readonly kernels: WasmSimd;
  readonly places: Places;
  readonly rows: number;
}

const TILE_STEP = ROWS * FLOAT;

/** All panels that have their eight columns. */
const multiplyWide = ({ kernels, places, rows }: Tools, a: Matrix, out: Matrix, block: Block): void => {
  const { panels, tile } = places;
  const size = Math.floor(block.columns / PANEL) * block.inner * PANEL_STEP;
  if (size === 0) return;
  const from = a.at + block.firstInner * a.column;
  const into = out.at + block.firstColumn * FLOAT;
  const kernel = block.firstInner === 0 ? kernels.multiply : kernels.multiplyAdd;
  kernel(
    from,
    a.row,
    a.column,
    rows,
    tile,
    tile + block.inner * TILE_STEP,
    panels,
    panels + size,
    into,
    out.row,
  );
};

/** The last panel, when it has fewer: its eight columns are made elsewhere, and those that are there copied. */
const multiplyNarrow = ({ kernels, places, rows }: Tools, a: Matrix, out: Matrix, block: Block): void => {
  const { tile, narrow } = places;
  const width = block.columns % PANEL;
  const size = block.inner * PANEL_STEP;
  const panel = places.panels + Math.floor(block.columns / PANEL) * size;
  const values = kernels.memory();
  for (let first = 0; first < rows; first += NARROW_ROWS) {
    const some = Math.min(NARROW_ROWS, rows - first);
    const from = a.at + block.firstInner * a.column + first * a.row;
    const tileEnd = tile + block.inner * TILE_STEP;
    kernels.multiply(from, a.row, a.column, some, tile, tileEnd, panel, panel + size, narrow, PANEL_STEP);
    for (let row = 0; row < some; row++) {
      const at = (out.at + (first + row) * out.row) / FLOAT + block.firstColumn + block.columns - width;
      for (let i = 0; i < width; i++) {
        const value = values[narrow / FLOAT + row * PANEL + i]!;
        values[at + i] = block.firstInner === 0 ? value : values[at + i]! + value;
      }
    }
  }
};
