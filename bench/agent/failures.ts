// Failures as pictures (testkit/picture), each with the verdict an agent has to come back with.

export interface Failure {
  picture: string;
  type: string;
  service: string;
}

/** A job whose call of a provider fails; `notes` say how. */
function call(notes: string, below = ''): string {
  return `
    runner execution.run   |============x| kind=consumer ${notes}
      router POST          | ==========x | kind=client peer.service=provider ${notes}
        ${below}
  `;
}

function timedOut(notes: string, below = ''): string {
  return call(notes, below).replaceAll('=x', '=!');
}

/** Twenty, of different kinds: most of them have several spans that failed, and one that decided. */
export const FAILURES: Failure[] = [
  { picture: call('error=ECONNREFUSED'), type: 'CONNECTION_FAILURE', service: 'provider' },
  { picture: call('error=ENOTFOUND'), type: 'CONNECTION_FAILURE', service: 'provider' },
  { picture: call('message="socket hang up"'), type: 'CONNECTION_FAILURE', service: 'provider' },
  { picture: call('error=429 http.response.status_code=429'), type: 'RATE_LIMITED', service: 'provider' },
  { picture: call('error=rate_limit_exceeded'), type: 'RATE_LIMITED', service: 'provider' },
  { picture: call('error=401 http.response.status_code=401'), type: 'AUTH_FAILURE', service: 'provider' },
  { picture: call('error=invalid_api_key'), type: 'AUTH_FAILURE', service: 'provider' },
  { picture: call('error=400 http.response.status_code=400'), type: 'BAD_REQUEST', service: 'router' },
  { picture: call('error=500 http.response.status_code=500'), type: 'PROVIDER_EXECUTION_FAILURE', service: 'provider' },
  { picture: call('error=server_error'), type: 'PROVIDER_EXECUTION_FAILURE', service: 'provider' },
  { picture: call('error=out_of_memory'), type: 'RESOURCE_EXHAUSTED', service: 'provider' },
  { picture: call('error=53300'), type: 'RESOURCE_EXHAUSTED', service: 'provider' },
  { picture: call('error=model_not_found'), type: 'MODEL_UNAVAILABLE', service: 'provider' },
  {
    picture: call('error=empty_output', 'provider POST | ======= | kind=server'),
    type: 'EMPTY_OUTPUT',
    service: 'provider',
  },
  {
    picture: timedOut('error=timeout', 'provider POST |  =============| kind=server'),
    type: 'SERVICE_TIMEOUT',
    service: 'provider',
  },
  { picture: timedOut('error=ETIMEDOUT'), type: 'NETWORK_TIMEOUT', service: 'provider' },
  { picture: call('error=UND_ERR_CONNECT_TIMEOUT'), type: 'NETWORK_TIMEOUT', service: 'provider' },
  {
    picture: 'runner execution.run |x| kind=consumer error=configuration_error',
    type: 'CONFIGURATION_ERROR',
    service: 'runner',
  },
  {
    picture: 'runner execution.run |===x| kind=consumer error=circuit_open\n  router call | =x | error=circuit_open',
    type: 'CIRCUIT_OPEN',
    service: 'router',
  },
  {
    picture:
      'runner execution.run |=====x| kind=consumer error=ECONNRESET\n  runner POST | ===x | kind=client error=ECONNRESET\n    provider run | ===? | kind=server',
    type: 'PROCESS_LOST',
    service: 'provider',
  },
];
