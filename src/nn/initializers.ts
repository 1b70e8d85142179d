/** @file How parameters start. */

/** Where random numbers come from: `Random`, as far as initialisation needs it. */
export interface NormalSource {
  /** A draw from N(0, 1). */
  normal(): number;
}

/** Fills `into` (an array of `shape`, row by row) with starting values. */
export type Initializer = (random: NormalSource, shape: readonly number[], into: Float32Array) => void;

export const constant =
  (value: number): Initializer =>
  (_random, _shape, into) => {
    into.fill(value);
  };

/**
 * A matrix [rows, columns] whose shorter side is orthonormal, times `gain`: Gram–Schmidt on normal vectors, which is
 * uniform over such matrices (Saxe et al. 2014, arXiv:1312.6120).
 */
export const orthogonal =
  (gain: number): Initializer =>
  (random, [rows, columns], into) => {
    const count = Math.min(rows, columns);
    const length = Math.max(rows, columns);
    const vectors: Float64Array[] = [];
    while (vectors.length < count) {
      const vector = Float64Array.from({ length }, () => random.normal());
      // Twice, so that rounding leaves nothing of the earlier ones.
      for (let pass = 0; pass < 2; pass++) {
        for (const earlier of vectors) addScaled(vector, earlier, -dot(vector, earlier));
      }
      const norm = Math.sqrt(dot(vector, vector));
      vectors.push(vector.map((x) => x / norm));
    }
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        into[i * columns + j] = gain * (rows <= columns ? vectors[i][j] : vectors[j][i]);
      }
    }
  };

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function addScaled(x: Float64Array, y: Float64Array, scale: number): void {
  for (let i = 0; i < x.length; i++) x[i] += scale * y[i];
}

export type Activation = "relu" | "tanh";

/** The gain that keeps the variance of activations from layer to layer (as `torch.nn.init.calculate_gain` has it). */
export const activationGain = (activation: Activation): number => (activation === "relu" ? Math.SQRT2 : 5 / 3);
