// Reads vitest's JSON report and writes the closing line. A run that broke off counts as a failure, as do failed checks.
import { readFileSync } from 'node:fs';

const [reportFile, status, failedChecks] = process.argv.slice(2);

const read = () => {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  }
};

const report = read();
let failed = report.numFailedTests + Number(failedChecks);
if (Number(status) !== 0 && failed === 0) failed = 1;
const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
console.log(`${report.numPassedTests} passed, ${failed} failed${skipped}`);
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0;
