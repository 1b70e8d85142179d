/** @file Random numbers: every one in the product comes from here, so that a run is a function of its seed. */

import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { JumpableRandomGenerator } from "pure-rand/types/JumpableRandomGenerator";

/** Where a stream of random numbers stands; plain data, so that it can be written down and gone back to. */
export interface RandomState {
  /** The stream's seed, in decimal digits (64 bits do not fit a JSON number). */
  readonly seed: string;
  /** The generator's 128 bits, as four 32-bit integers. */
  readonly words: readonly number[];
  /** The second normal number of a pair, where only the first has been taken. */
  readonly spareNormal: number | null;
}

const GOLDEN_GAMMA = 0x9e3779b97f4a7c15n;

const bits64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a one-to-one scramble of 64 bits. */
function scramble(value: bigint): bigint {
  let z = bits64(value + GOLDEN_GAMMA);
  z = bits64((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = bits64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

function wholeNumber(name: string, value: number | bigint): bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new RangeError(`random numbers: ${name} is ${value}, must be a whole number`);
  return bits64(BigInt(value));
}

/**
 * A stream of random numbers (xoroshiro128+, Blackman & Vigna 2018), started from a seed through SplitMix64, as its
 * authors advise: streams of neighbouring seeds have nothing to do with one another.
 */
export class Random {
  readonly #seed: bigint;
  readonly #generator: JumpableRandomGenerator;
  #spareNormal: number | null = null;

  /**
   * @param seed a whole number; of a bigint, the lowest 64 bits
   * @param state where the stream stands; default: at its start
   */
  constructor(seed: number | bigint, state?: RandomState) {
    this.#seed = wholeNumber("seed", seed);
    if (state) {
      this.#generator = xoroshiro128plusFromState(state.words);
      this.#spareNormal = state.spareNormal;
      return;
    }
    const high = scramble(this.#seed);
    const low = scramble(this.#seed + GOLDEN_GAMMA);
    const words = [high >> 32n, high, low >> 32n, low].map((word) => Number(BigInt.asIntN(32, word)));
    this.#generator = xoroshiro128plusFromState(words);
  }

  /** The stream that gave `state`, as it was then. */
  static fromState(state: RandomState): Random {
    return new Random(BigInt(state.seed), state);
  }

  get state(): RandomState {
    return { seed: `${this.#seed}`, words: [...this.#generator.getState()], spareNormal: this.#spareNormal };
  }

  /**
   * An independent stream, which follows from this one's seed and the label alone: how many numbers were drawn from
   * this one does not matter, and none is.
   */
  split(label: number): Random {
    return new Random(scramble(this.#seed ^ scramble(wholeNumber("label", label) ^ GOLDEN_GAMMA)));
  }

  /** Uniform in (0, 1), both ends excluded; 52 random bits. */
  uniform(): number {
    // The lowest bits of xoroshiro128+ are its weakest; six of each word stay out.
    const high = this.#generator.next() >>> 6;
    const low = this.#generator.next() >>> 6;
    return (high * 2 ** 26 + low + 0.5) * 2 ** -52;
  }

  /** Normal with mean 0 and variance 1 (Box & Muller 1958). */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Gumbel(0, 1): the argmax of logits with such noise added is distributed as their softmax. */
  gumbel(): number {
    return -Math.log(-Math.log(this.uniform()));
  }

  /** One of 0, 1, …, n − 1, each as likely (to n/2⁵²). */
  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`random numbers: n is ${n}, must be a whole number ≥ 1`);
    return Math.floor(this.uniform() * n);
  }

  /** Uniform in (0, 1), as float32 too: 23 random bits. */
  fillUniform(array: Float32Array, start = 0, end = array.length): void {
    for (let i = start; i < end; i++) array[i] = ((this.#generator.next() >>> 9) + 0.5) * 2 ** -23;
  }

  fillNormal(array: Float32Array, start = 0, end = array.length): void {
    for (let i = start; i < end; i++) array[i] = this.normal();
  }

  fillGumbel(array: Float32Array, start = 0, end = array.length): void {
    for (let i = start; i < end; i++) array[i] = this.gumbel();
  }

  /** Into random order, in place; every order is as likely (Fisher & Yates). */
  shuffle(array: Int32Array): void {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const value = array[i];
      array[i] = array[j];
      array[j] = value;
    }
  }
}
