// A double pendulum: two rods of the same length, one hung on the other, each with the same weight at its end.

const GRAVITY = 9.81;
const STEP_SECONDS = 0.01;

type State = readonly [angle1: number, angle2: number, speed1: number, speed2: number];

/** How fast the state changes. */
function change([a, b, v, w]: State): State {
  const [s, c] = [Math.sin(a - b), Math.cos(a - b)];
  const below = 1 + s * s;
  return [
    v,
    w,
    (-s * (w * w + v * v * c) - GRAVITY * (2 * Math.sin(a) - Math.sin(b) * c)) / below,
    (s * (2 * v * v + w * w * c) + 2 * GRAVITY * (Math.sin(a) * c - Math.sin(b))) / below,
  ];
}

const moved = (state: State, by: State, times: number): State => [
  state[0] + times * by[0],
  state[1] + times * by[1],
  state[2] + times * by[2],
  state[3] + times * by[3],
];

/** A step in time, by the method of Runge and Kutta. */
function advanced(state: State): State {
  const h = STEP_SECONDS;
  const k1 = change(state);
  const k2 = change(moved(state, k1, h / 2));
  const k3 = change(moved(state, k2, h / 2));
  const k4 = change(moved(state, k3, h));
  return moved(moved(moved(moved(state, k1, h / 6), k2, h / 3), k3, h / 3), k4, h / 6);
}

/** Seconds until one of the rods, let go at rest at these angles, turns over; `null` when none does in the time given. */
export function secondsToFlip(angle1: number, angle2: number, secondsMax: number): number | null {
  let state: State = [angle1, angle2, 0, 0];
  for (let step = 1; step * STEP_SECONDS <= secondsMax; step += 1) {
    state = advanced(state);
    if (Math.abs(state[0]) > Math.PI || Math.abs(state[1]) > Math.PI) return step * STEP_SECONDS;
  }
  return null;
}
