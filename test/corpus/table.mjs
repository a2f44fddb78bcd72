/** The verdicts of all cases, and a last line that says how many were right. */
export const verdicts = (results) => {
  const width = Math.max(4, ...results.map(({ one }) => one.name.length));
  const rows = results.map(({ one, truth, status, answers, right, seconds }) =>
    [
      one.name.padEnd(width),
      truth.padEnd(8),
      String(status).padEnd(5),
      sayOutcome(status).padEnd(11),
      (answers ? 'yes' : 'no').padEnd(7),
      `${seconds} s`.padStart(5),
      right ? ' right' : ' WRONG',
    ].join('  '),
  );
  const head = `${'CASE'.padEnd(width)}  TRUTH     GUARD  OUTCOME      ANSWERS   TIME  VERDICT`;
  return [head, ...rows, '', sayOtherwise(results), summary(results)].join('\n');
};

const sayOutcome = (status) => (status === 0 ? 'kept' : [10, 11, 12].includes(status) ? 'rolled back' : 'neither');

const sayOtherwise = (results) =>
  results
    .filter(({ one, truth }) => truth !== one.expected)
    .map(({ one, truth }) => `not as its author believed (${one.expected}, is ${truth}): ${one.name}\n`)
    .join('');

const summary = (results) => {
  const wrong = results.filter(({ right }) => !right);
  const kept = wrong.filter(({ truth, status }) => truth !== 'healthy' && status === 0).length;
  const rolledBack = wrong.filter(({ truth, status }) => truth === 'healthy' && status !== 0).length;
  const broken = results.filter(({ truth }) => truth !== 'healthy').length;
  return `${results.length - wrong.length} right, ${wrong.length} wrong (broken kept: ${kept}, healthy rolled back: ${rolledBack}); ${broken} of ${results.length} were broken`;
};
