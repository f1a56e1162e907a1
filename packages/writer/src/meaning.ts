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

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * What names an execution, for the two columns: its integer where the text is one that PostgreSQL's bigint holds, written
 * as the database writes it, else the text. `beacon.execution_text` and `beacon.execution_number` decide alike.
 */
export function executionOf(value: string | null): { id: string | null; key: string | null } {
  if (value === null || value === '') return { id: null, key: null };
  if (isInteger(value)) return { id: value, key: null };
  // PostgreSQL writes a UUID in lower case; .NET and Windows in capitals.
  return { id: null, key: value.length === 36 && UUID.test(value) ? value.toLowerCase() : value };
}

/** Not 007: to a schema whose keys are texts that is another execution than 7. */
function isInteger(value: string): boolean {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(value)) return false;
  return value.length < 19 || BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}
