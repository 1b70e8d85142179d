/**
 * @file Waiting awake, a little, where that pays: to be woken takes some 50 µs, and what was at hand is far by then. But
 * who looks all the time takes a core from others, be they programs here or other machines on the same one, which can't
 * be known from inside. So both are tried: whether steps follow each other faster is measured again and again.
 */

/** ms that one wait may last before it goes on asleep: being woken is less than 3 % of a longer step. */
const PATIENCE = 3;

/** Looks between two looks at the clock. */
const LOOKS = 8;

/** After looking in vain again and again, at most so many waits go without a look. */
const MOST_SKIPPED = 63;

/** How long one way of waiting is measured, and the stepping between trials of the other, at first and at last; ms. */
const [WINDOW, SHORTEST_REST, LONGEST_REST] = [150, 1_000, 16_000];

/** A trial that after so many ms has taken so many times as long for a step is over: it costs what it is to find out. */
const [GLIMPSE, HOPELESS] = [15, 1.3];

/** From one wait to the next, ms: what is longer is no stepping, but learning, say. */
const LONGEST_STEP = 20;

/** Of the time that a step takes asleep, as much as it may take awake: what saves less is not worth a core. */
const WORTH = 0.97;

export interface Patience {
  /** Looks until what is waited for is there; false: it is time to sleep until it is. */
  wait(isThere: () => boolean): boolean;
}

/**
 * @param tell is told when both sides begin to wait awake, and when they cease to
 * @param clock ms
 */
export function createPatience(tell: (awake: boolean) => void, clock = (): number => performance.now()): Patience {
  /** Waits in vain, one after the other, and how many are left that are not looked at. */
  let missed = 0;
  let skipped = 0;
  let awake: boolean | undefined;
  /** Of the window: how many steps it has, and how long they took, ms. */
  let steps = 0;
  let passed = 0;
  let last = clock();
  /** ms a step took the other way, while this one is tried. */
  let other: number | undefined;
  let rest = SHORTEST_REST;
  /** ms of stepping until the next trial. */
  let left = SHORTEST_REST;

  const set = (now: boolean): void => {
    if (now !== awake) tell(now);
    awake = now;
    missed = 0;
    skipped = 0;
  };
  /** At a window's end. */
  const judge = (): void => {
    const pace = passed / steps;
    left -= passed;
    steps = 0;
    passed = 0;
    if (other === undefined) {
      if (left > 0) return;
      other = pace;
      set(!awake);
      return;
    }
    const pays = awake ? pace < WORTH * other : other < WORTH * pace;
    rest = pays === awake ? SHORTEST_REST : Math.min(2 * rest, LONGEST_REST);
    left = rest;
    other = undefined;
    set(pays);
  };
  return {
    wait(isThere) {
      if (awake === undefined) set(true);
      const began = clock();
      const step = began - last;
      last = began;
      if (step < LONGEST_STEP) {
        steps += 1;
        passed += step;
        const isHopeless = other !== undefined && passed > GLIMPSE && passed > HOPELESS * steps * other;
        if (passed > WINDOW || isHopeless) judge();
      }
      if (isThere()) return true;
      if (!awake) return false;
      if (skipped > 0) {
        skipped -= 1;
        return false;
      }
      do {
        for (let k = 0; k < LOOKS; k++) {
          if (!isThere()) continue;
          missed = 0;
          return true;
        }
      } while (clock() < began + PATIENCE);
      missed = Math.min(2 * missed + 1, MOST_SKIPPED);
      skipped = missed;
      return false;
    },
  };
}
