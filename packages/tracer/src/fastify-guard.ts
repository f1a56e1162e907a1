// A Fastify hook that keeps web pages out of a service that has no login of its own. Fastify's types are described, not
// imported: the package does not depend on it.

export interface GuardOptions {
  /** Address the service listens on: on loopback it answers to names of this machine only. */
  host: string;
}

interface GuardedRequest {
  method: string;
  headers: { host?: string | undefined; origin?: string | undefined };
}

interface GuardedReply {
  code(status: number): { send(body: object): unknown };
}

interface GuardedInstance {
  // biome-ignore lint/suspicious/noExplicitAny: Fastify's hooks have a signature each, generic over the whole server.
  addHook(name: any, hook: any): unknown;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * `fastifyGuard(app, { host })`. A page that had its name point at this machine (DNS rebinding) is refused by the Host
 * header, a form that another page sends by its Origin; both with 403.
 */
export function fastifyGuard(app: GuardedInstance, { host }: GuardOptions): void {
  const isLocal = LOOPBACK.has(host);
  app.addHook('onRequest', (request: GuardedRequest, reply: GuardedReply, next: () => void) => {
    const { host: addressed = '', origin } = request.headers;
    const name = addressed.replace(/:\d+$/, '').toLowerCase();
    const refuse = (message: string) => reply.code(403).send({ error: { code: 'forbidden', message } });
    if (isLocal && !LOOPBACK.has(name)) {
      refuse(`Requests to the host "${name.slice(0, 200)}" are not answered here; use 127.0.0.1 or localhost.`);
    } else if (!SAFE.has(request.method) && origin !== undefined && URL.parse(origin)?.host !== addressed) {
      refuse(`The web page ${origin.slice(0, 200)} may not send requests here.`);
    } else next();
  });
}
