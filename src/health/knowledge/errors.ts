/** What a service writes when it runs and does not do its work. */
const errors =
  /permission denied|access denied|operation not permitted|connection refused|could not connect|cannot connect|can't connect|unable to connect|connection to .* failed|authentication failed|login failed|no such (file|table|column|module|host)|cannot (open|write|read|create|allocate)|can't (open|write|read|create)|could not (open|write|read|resolve)|failed to (open|write|read|load|start|connect|save|bind|resolve)|no space left|disk quota exceeded|read-only file system|too many open files|out of memory|unknown (database|column|variable|option)|undefined (method|function|symbol|constant)|importerror|modulenotfounderror|traceback|uncaught exception|unhandled exception|panic:|segfault|fatal[: ]|temporary failure|name or service not known|status=deferred|ssl_error|certificate (has )?expired|certificate verify failed|does not exist|permission_denied|misconf|deprecated and removed|internal server error|HTTP\/\d\.\d" 5\d\d/i;

/** Written where a caller hangs up or asks in vain, as guard's own questions do, and by what starts and stops. */
const harmless =
  /lost connection after|connection (reset|closed) by|kex_exchange|banner exchange|did not receive identification|improper command pipelining|disconnect|client sent|invalid (request|method)|bad request|unexpected eof|broken pipe|ssl_accept|sslv3 alert|tlsv1 alert|no shared cipher|auth(entication)? failure.*nobody|scheduled restart|pam_|sudo|audit|apparmor|start request repeated|deprecat|will be removed|warning: /i;

/** Whether a line of a log is about something that does not work. */
export function speaksOfError(message: string, isError: boolean): boolean {
  return !harmless.test(message) && (errors.test(message) || (isError && message.length > 0));
}

/** The message without what differs each time: times, numbers, addresses, quoted names. */
export function patternOf(message: string): string {
  return cleanMessage(message)
    .replace(/"[^"]*"|'[^']*'|\[[^\]]*\]/g, '…')
    .replace(/\b[0-9a-f]{8,}\b/gi, '#')
    .replace(/\d+/g, '#')
    .slice(0, 160);
}

/** Without time, host and process number at its start. */
export function cleanMessage(message: string): string {
  return message
    .replace(/^\S*\d{2}:\d{2}:\d{2}\S*\s+/, '')
    .replace(/^[A-Z][a-z]{2}\s+\d+ \d{2}:\d{2}:\d{2} \S+ /, '')
    .replace(/^\[?\d{4}[-/]\d{2}[-/]\d{2}[ T][\d:.,+Z-]*\]?\s*/, '')
    .slice(0, 300);
}

/** Errors that decide: those of which nobody recovers by waiting, and that say what cannot be done. */
export const severe =
  /permission denied|access denied|connection refused|could not connect|cannot connect|can't connect|unable to connect|authentication failed|login failed|no such (file|table|column|module)|cannot (open|write|create)|can't (open|write|create)|no space left|disk quota exceeded|read-only file system|too many open files|unknown (database|column)|undefined (method|function|symbol)|importerror|modulenotfounderror|traceback|uncaught exception|unhandled exception|failed to (open|write|save|load|connect)|status=deferred|does not exist|misconf|name or service not known|temporary failure|certificate (has )?expired|internal server error|HTTP\/\d\.\d" 5\d\d/i;
