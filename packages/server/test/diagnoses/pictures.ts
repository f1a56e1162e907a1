// Pictures of each type, with what to replace in them to make them innocent. Read by the tests and by `npm run docs`.

export interface Twins {
  type: string;
  service: string;
  /** Other types that a picture may be accused of, beside its own. */
  also?: string[];
  /** What the innocent twins are accused of instead, where they fail too; left out, or null, for nothing at all. */
  twins?: (string | null)[];
  /** Guilty picture, then what to replace in it, by what, to make it innocent. */
  cases: [picture: string, guilty: string | RegExp, innocent: string][];
}

const CALL = (notes: string, below = '') => `
  app work      |==========x| kind=consumer ${notes}
    app POST    | ========x | kind=client peer.service=far ${notes}
      ${below}
`;

export const TWINS: Twins[] = [
  {
    type: 'CIRCUIT_OPEN',
    service: 'router',
    twins: ['PROVIDER_EXECUTION_FAILURE', 'PROVIDER_EXECUTION_FAILURE', 'UNKNOWN'],
    cases: [
      [
        'app work |===x| kind=consumer error=circuit_open\n  router call | =x | error=circuit_open',
        /circuit_open/g,
        'shed_load',
      ],
      ['router call |=x| error=BrokenCircuitError', 'BrokenCircuitError', 'BrokenPipe'],
      ['app work |===x| kind=consumer\n  router call | =x | error=EOPENBREAKER', 'error=EOPENBREAKER', ''],
    ],
  },
  {
    type: 'EMPTY_OUTPUT',
    service: 'far',
    twins: ['PROVIDER_EXECUTION_FAILURE', 'PROVIDER_EXECUTION_FAILURE', 'UNKNOWN'],
    cases: [
      [CALL('error=empty_output', 'far POST | ====== | kind=server'), /empty_output/g, 'bad_grade'],
      [CALL('error=EmptyOutputError'), /EmptyOutputError/g, 'OutputError'],
      [
        CALL('error=empty_output', 'far gen | ====== | kind=server gen_ai.usage.output_tokens=0'),
        /error=empty_output/g,
        '',
      ],
    ],
  },
  {
    type: 'WRONG_REGION',
    service: 'app',
    cases: [
      [
        'app work |======| kind=consumer region=eu-west\n  app POST | ==== | kind=client beacon.served_region=us-east-1',
        'us-east-1',
        'eu-west-1',
      ],
      [
        'app work |======| kind=consumer region=westeurope\n  app POST | ==== | kind=client gen_ai.response.region=eastus2',
        'eastus2',
        'westeurope',
      ],
      // Where the caller runs is not where it asks.
      [
        'app work |======| kind=consumer region=eu-west cloud.region=us-east\n  app POST | ==== | kind=client beacon.region=eu-west beacon.served_region=us-east',
        ' beacon.region=eu-west beacon.served_region=us-east',
        '',
      ],
    ],
  },
  {
    type: 'MODEL_DRIFT',
    service: 'app',
    cases: [
      [
        'app work |======| kind=consumer\n  app chat | ==== | kind=client gen_ai.request.model=gpt-4o gen_ai.response.model=gpt-4o-mini-2024-07-18',
        'gpt-4o-mini-2024-07-18',
        'gpt-4o-2024-08-06',
      ],
      [
        'app work |======| kind=consumer\n  app generate | ==== | ai.model.id=claude-sonnet-4-5 ai.response.model=claude-haiku-4-5',
        'claude-haiku-4-5',
        'claude-sonnet-4-5-20250929',
      ],
      [
        'app work |======| kind=consumer model=llama-3.2-1b\n  app POST | ==== | gen_ai.response.model=qwen2.5-1.5b',
        'qwen2.5-1.5b',
        'meta-llama/Llama-3.2-1B-Instruct',
      ],
    ],
  },
  {
    type: 'BAD_REQUEST',
    service: 'app',
    twins: ['PROVIDER_EXECUTION_FAILURE', 'PROVIDER_EXECUTION_FAILURE', 'RATE_LIMITED'],
    cases: [
      [CALL('error=400 http.response.status_code=400'), /400/g, '500'],
      [CALL('error=invalid_request_error'), /invalid_request_error/g, 'internal_error'],
      [CALL('error=422 http.response.status_code=422'), /422/g, '429'],
    ],
  },
  {
    type: 'AUTH_FAILURE',
    service: 'far',
    twins: ['BAD_REQUEST', 'PROVIDER_EXECUTION_FAILURE', 'BAD_REQUEST'],
    cases: [
      [CALL('error=401 http.response.status_code=401'), /401/g, '400'],
      [CALL('error=403 http.response.status_code=403'), /403/g, '503'],
      [CALL('error=invalid_api_key'), /invalid_api_key/g, 'invalid_request_error'],
    ],
  },
  {
    type: 'RATE_LIMITED',
    service: 'far',
    twins: ['BAD_REQUEST', 'PROVIDER_EXECUTION_FAILURE', 'PROVIDER_EXECUTION_FAILURE'],
    cases: [
      [CALL('error=429 http.response.status_code=429'), /429/g, '428'],
      [CALL('error=rate_limit_exceeded'), /rate_limit_exceeded/g, 'size_limit_exceeded'],
      [CALL('error=RateLimitError'), /RateLimitError/g, 'LimitError'],
    ],
  },
  {
    type: 'RESOURCE_EXHAUSTED',
    service: 'far',
    twins: ['BAD_REQUEST', 'PROVIDER_EXECUTION_FAILURE', 'BAD_REQUEST'],
    cases: [
      [CALL('error=out_of_memory'), /out_of_memory/g, 'out_of_range'],
      [
        CALL('error=internal_error message="CUDA error: out of memory"'),
        /CUDA error: out of memory/g,
        'the answer ran out',
      ],
      [CALL('error=53300'), /53300/g, '42601'],
    ],
  },
  {
    type: 'CONNECTION_FAILURE',
    service: 'far',
    twins: ['CANCELLED', 'BAD_REQUEST', 'PROVIDER_EXECUTION_FAILURE'],
    cases: [
      [CALL('error=ECONNREFUSED'), /ECONNREFUSED/g, 'ECANCELED'],
      [CALL('error=ENOTFOUND'), /ENOTFOUND/g, 'not_found'],
      [CALL('message="socket hang up"'), /socket hang up/g, 'hung'],
    ],
  },
  {
    type: 'PROVIDER_EXECUTION_FAILURE',
    service: 'far',
    twins: ['BAD_REQUEST', 'UNKNOWN', 'RATE_LIMITED'],
    cases: [
      [CALL('error=500 http.response.status_code=500'), /500/g, '404'],
      [CALL('error=malformed_response', 'far POST | ===== | kind=server'), /error=malformed_response/g, ''],
      [CALL('error=server_error'), /server_error/g, 'rate_limit_exceeded'],
    ],
  },
  {
    type: 'MODEL_UNAVAILABLE',
    service: 'far',
    twins: ['PROVIDER_EXECUTION_FAILURE', 'BAD_REQUEST', 'BAD_REQUEST'],
    cases: [
      [CALL('error=model_not_found'), /model_not_found/g, 'page_not_found'],
      [
        CALL('error=404 http.response.status_code=404 url.full=http://far/v1/chat/completions'),
        /chat.completions/g,
        'users',
      ],
      [
        CALL('error=404 http.response.status_code=404 message="the model x does not exist"'),
        /the model x/g,
        'the user x',
      ],
    ],
  },
  {
    type: 'SERVICE_TIMEOUT',
    service: 'far',
    twins: ['NETWORK_TIMEOUT', 'NETWORK_TIMEOUT', 'NETWORK_TIMEOUT'],
    cases: [
      [
        CALL('error=timeout', 'far POST |  ===========| kind=server').replaceAll('=x |', '=! |'),
        '===========|',
        '===        |',
      ],
      [CALL('error=timeout', 'far POST |  >| kind=server').replaceAll('=x |', '=! |'), '  >|', '  ==|'],
      [
        CALL('error=timeout', 'far POST |  =======x | kind=server error=aborted')
          .replaceAll('=x |', '=! |')
          .replace('=! | kind=server', '=x | kind=server'),
        '=======x |',
        '===      |',
      ],
    ],
  },
  {
    type: 'NETWORK_TIMEOUT',
    service: 'far',
    twins: ['SERVICE_TIMEOUT', 'CONNECTION_FAILURE', 'SERVICE_TIMEOUT'],
    cases: [
      [
        CALL('error=timeout', 'far POST |  ===    | kind=server').replaceAll('=x |', '=! |'),
        '  ===    |',
        '  ========|',
      ],
      [CALL('error=UND_ERR_CONNECT_TIMEOUT'), /UND_ERR_CONNECT_TIMEOUT/g, 'ECONNREFUSED'],
      [CALL('error=ETIMEDOUT').replaceAll('=x |', '=! |'), /=! \|/g, '== |'],
    ],
  },
  {
    type: 'CANCELLED',
    service: 'app',
    twins: ['PROVIDER_EXECUTION_FAILURE', null, 'NETWORK_TIMEOUT'],
    cases: [
      [
        CALL('error=AbortError message="context canceled"'),
        /error=AbortError message="context canceled"/g,
        'error=500',
      ],
      ['app GET |=====| kind=server http.response.status_code=499', '499', '404'],
      [
        CALL('error=TaskCanceledException message="A task was canceled."'),
        /"A task was canceled."/g,
        '"The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing."',
      ],
    ],
  },
  {
    type: 'COLD_START',
    service: 'far',
    cases: [
      [
        'app work |======================================| kind=consumer\n  far load | ============================ | faas.coldstart=true',
        'faas.coldstart=true',
        '',
      ],
      [
        'app work |======================================| kind=consumer\n  far load | ============================ | faas.coldstart=true',
        '============================ ',
        '=====                        ',
      ],
      [
        'app work |======================================| kind=consumer\n  far load | ============================ | faas.coldstart=true',
        'coldstart=true',
        'coldstart=false',
      ],
    ],
  },
  {
    type: 'QUEUE_DELAY',
    service: 'app',
    cases: [
      ['app work |====| kind=consumer beacon.queued_ms=20000', '20000', '9000'],
      ['app work |====| kind=consumer beacon.queued_ms=11000', 'beacon.queued_ms', 'other.queued_ms'],
      ['app work |==| kind=consumer beacon.queued_ms=60000\n  app step | = |', '60000', '60'],
    ],
  },
  {
    type: 'PROCESS_LOST',
    service: 'far',
    twins: ['CONNECTION_FAILURE', 'CONFIGURATION_ERROR', 'NETWORK_TIMEOUT'],
    cases: [
      [
        'app work |=====x| kind=consumer error=ECONNRESET\n  app POST | ===x | kind=client error=ECONNRESET\n    far run | ===? | kind=server',
        '? | kind=server',
        'x | kind=server',
      ],
      ['far run |====?| kind=consumer', '?', 'x'],
      [
        'app work |=====x| kind=consumer error=timeout\n  app POST | ===! | kind=client error=timeout\n    far run | ==? | kind=server',
        '==? |',
        '=== |',
      ],
    ],
  },
  {
    type: 'CONFIGURATION_ERROR',
    service: 'app',
    twins: ['BAD_REQUEST', 'PROVIDER_EXECUTION_FAILURE', 'PROVIDER_EXECUTION_FAILURE'],
    cases: [
      ['app work |x| kind=consumer error=configuration_error', 'configuration_error', 'validation_error'],
      ['app work |x| kind=consumer error=Error message="API_URL is not set"', 'is not set', 'answered no'],
      ['app work |x| kind=consumer error=ERR_INVALID_URL', 'ERR_INVALID_URL', 'ERR_INVALID_STATE'],
    ],
  },
  {
    type: 'RETRY_STORM',
    service: 'app',
    twins: ['PROVIDER_EXECUTION_FAILURE', 'SERVICE_TIMEOUT', 'PROVIDER_EXECUTION_FAILURE'],
    cases: [
      [attempts(12, 'x'), /x(\s*)\| kind=client error=503/g, '=$1| kind=client'],
      [attempts(11, '!'), new RegExp(`(${'app try .*\\n\\s*'}){7}`), ''],
      [attempts(10, 'x'), new RegExp(`(${'app try .*\\n\\s*'}){6}`), ''],
    ],
  },
  {
    type: 'N_PLUS_ONE',
    service: 'app',
    cases: [
      [loop(12, 'SELECT'), /kind=client/g, ''],
      [loop(15, 'GET'), new RegExp(`(${'app GET .*\\n\\s*'}){6}`), ''],
      [loop(12, 'SELECT'), 'app list |', `app list |${'='.repeat(40)}`],
    ],
  },
];

function attempts(n: number, end: string): string {
  const line = (i: number) =>
    `app try |${' '.repeat(2 * i)}=${end}${' '.repeat(2 * (n - i))}| kind=client error=503 http.response.status_code=503 peer.service=far`;
  return `app work |${'='.repeat(2 * n + 2)}x| kind=consumer error=503\n  ${Array.from({ length: n }, (_, i) => line(i)).join('\n  ')}\n`;
}

function loop(n: number, call: string): string {
  const line = (i: number) =>
    `app ${call} |${' '.repeat(2 * i)}==${' '.repeat(2 * (n - i))}| kind=client db.system.name=postgresql`;
  return `app list |${'='.repeat(2 * n)}| kind=server\n  ${Array.from({ length: n }, (_, i) => line(i)).join('\n  ')}\n`;
}
