/**
 * Waits until `check` gives something other than undefined, null or false, and returns it.
 *
 * @throws Error that says what was waited for, when it does not happen within `deadlineMs`.
 */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  deadlineMs = 15_000,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== null && found !== false) return found as never;
    if (performance.now() > deadline) throw new Error(`Waited ${deadlineMs} ms in vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
