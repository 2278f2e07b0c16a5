// The way a shell drives a state machine: one event after the other, also when performing an order brings the next event.

/** Feeds events to a machine and performs its orders; events that come meanwhile are fed afterwards, in order. */
export class EventTurns<Event, Effect> {
  readonly #machine: { handle(event: Event): Iterable<Effect> };
  readonly #perform: (effect: Effect) => void;
  readonly #events: Event[] = [];
  #isHandling = false;

  constructor(machine: { handle(event: Event): Iterable<Effect> }, perform: (effect: Effect) => void) {
    this.#machine = machine;
    this.#perform = perform;
  }

  /** Handles an event now, or after the one that is being handled. What `perform` throws comes out here; later events wait for the next one. */
  handle(event: Event): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.#machine.handle(next)) this.#perform(effect);
      }
    } finally {
      this.#isHandling = false;
    }
  }
}
