/** A time (milliseconds since 1970) in the reader's own time zone: `2026-11-23 07:05:12`, or to the minute. */
export function formatTime(at: number, to: 'second' | 'minute' = 'second'): string {
  const time = new Date(at);
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  const clock = [time.getHours(), time.getMinutes(), ...(to === 'second' ? [time.getSeconds()] : [])]
    .map(two)
    .join(':');
  return `${date} ${clock}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
