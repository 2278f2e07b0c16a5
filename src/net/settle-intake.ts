// Waiting until the messages that had reached this process when the wait began have been handed on.

/** Turns of the loop at most. */
const TURNS_MAX = 100;

/** Resolves when nothing more has arrived for two turns of the event loop; `arrived` counts what has. */
export async function settleIntake(arrived: () => number): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const before = arrived();
    // Two turns have the loop's poll phase between them for certain.
    await nextTurn();
    await nextTurn();
    if (arrived() === before) return;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
