/** The trainer's desk: one piece of work at a time, since a trainer has one thread and one device. */
import type { Evaluation, OnState, OnStep, Rows, Trainer, TrainJob, TrainOutcome } from "@bulkhead/finetune";

export class TrainDesk {
  readonly #trainer: Trainer;
  #last: Promise<unknown> = Promise.resolve();

  constructor(trainer: Trainer) {
    this.#trainer = trainer;
  }

  get rows(): number {
    return this.#trainer.rows;
  }

  train(job: TrainJob, onStep: OnStep, onState?: OnState): Promise<TrainOutcome> {
    return this.#inTurn(() => this.#trainer.train(job, onStep, onState));
  }

  evaluate(model: Float32Array, rows: Rows): Promise<Evaluation> {
    return this.#inTurn(() => this.#trainer.evaluate(model, rows));
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#last;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
