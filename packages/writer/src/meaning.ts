// What attributes mean, wherever a span comes from.

const TIMEOUTS = new Set([
  'timeout',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEADLINE_EXCEEDED',
  'deadline_exceeded',
  'context.deadlineExceededError',
  '408',
  '504',
]);

// `TimeoutError`, `java.net.SocketTimeoutException`, `requests.exceptions.ReadTimeout`, `socket.timeout`.
const TIMEOUT_CLASS = /(?:^|[\w.$])(?:Timeout|TimedOut|DeadlineExceeded)(?:Error|Exception|Expired)?$|\.timeout$/;
const TIMEOUT_WORDS = /time[sd]?[ -]?out|timeout|deadline exceeded/i;

/** Whether an error is a timeout, by its type; by its message only where the type says nothing about the cause. */
export function isTimeout(type: string, message: string | null): boolean {
  if (TIMEOUTS.has(type) || TIMEOUT_CLASS.test(type)) return true;
  // Requests are aborted for many reasons, and Go names the type that carries the text; only the message tells.
  return (type === 'AbortError' || type.startsWith('*')) && message !== null && TIMEOUT_WORDS.test(message);
}

/** The text if it is a whole number that PostgreSQL's bigint can hold. */
export function wholeNumber(value: string): string | null {
  if (!/^-?\d{1,19}$/.test(value)) return null;
  if (value.length < 19) return value;
  return BigInt.asIntN(64, BigInt(value)) === BigInt(value) ? value : null;
}
