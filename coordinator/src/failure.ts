/** Where everything that can fail in the background says so: the first failure ends the run. */
export class Failure {
  readonly failed: Promise<never>;
  #reject: (error: unknown) => void = () => {};

  constructor() {
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Whoever runs the job waits for it; before that, and after, it may be nobody.
    this.failed.catch(() => {});
  }

  readonly report = (error: unknown): void => {
    this.#reject(error);
  };
}
