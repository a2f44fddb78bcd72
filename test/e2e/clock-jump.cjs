// Preloaded into a guard under test: a second and a half after its start the clock of the machine has jumped.
const { now: real } = Date;
const began = process.hrtime.bigint();
const now = () => real() + (process.hrtime.bigint() - began > 1_500_000_000n ? Number(process.env.GUARD_TEST_JUMP) : 0);
globalThis.Date = class extends Date {
  constructor(...parts) {
    if (parts.length === 0) super(now());
    else super(...parts);
  }
  static now() {
    return now();
  }
};
