import { randomUUID } from 'node:crypto';

/** An operation as the fake keeps it; `toJson` is what the API shows. */
export interface FakeOperation {
  readonly id: string;
  readonly done: Promise<void>;
  readonly toJson: () => Record<string, unknown>;
  /** Null while it runs; the failure's text, or '' for success. */
  readonly failure: () => string | null;
  metadata: Record<string, unknown>;
}

/** What a 404 or a 400 of the real server is: a status and its text. */
export class FakeError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Starts work as an operation. The work throws what the server would say. */
export const startOperation = (
  instance: string,
  description: string,
  kind: 'task' | 'websocket',
  work: (operation: FakeOperation) => Promise<void>,
): FakeOperation => {
  const id = randomUUID();
  const createdAt = new Date().toISOString();
  let failure: string | null = null;
  const toJson = (): Record<string, unknown> => ({
    id,
    class: kind,
    description,
    created_at: createdAt,
    status: failure === null ? 'Running' : failure === '' ? 'Success' : 'Failure',
    status_code: failure === null ? 103 : failure === '' ? 200 : 400,
    resources: { instances: [`/1.0/instances/${instance}`] },
    metadata: operation.metadata,
    may_cancel: false,
    err: failure ?? '',
    location: 'none',
  });
  const run = async (): Promise<void> => {
    // The answer 202 comes first, always.
    await new Promise(setImmediate);
    try {
      await work(operation);
      failure = '';
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
  };
  let start: () => void = () => {};
  const done = new Promise<void>((resolve) => (start = () => void run().then(resolve, resolve)));
  const operation: FakeOperation = { id, done, toJson, failure: () => failure, metadata: {} };
  start();
  return operation;
};
