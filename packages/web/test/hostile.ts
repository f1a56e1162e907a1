// Fifty texts that have broken pages, and spans that carry them wherever a span can carry text.
import type pg from 'pg';

export const HOSTILE: readonly string[] = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<body onload=alert(1)>',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)//',
  'data:text/html,<script>alert(1)</script>',
  '<a href="javascript:alert(1)">x</a>',
  '<math><mi xlink:href="data:x,<script>alert(1)</script>">',
  '<details open ontoggle=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<video><source onerror=alert(1)></video>',
  '<object data="javascript:alert(1)">',
  '<embed src="javascript:alert(1)">',
  '<base href="https://example.org/">',
  '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
  '<link rel=stylesheet href=//example.org/x.css>',
  '<style>*{display:none}</style>',
  '<form action="//example.org"><button>x</button></form>',
  '</textarea><script>alert(1)</script>',
  '</title><script>alert(1)</script>',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
  '<![CDATA[<script>alert(1)</script>]]>',
  "';alert(1);//",
  '"-alert(1)-"',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is the attack.
  '`${alert(1)}`',
  '{{constructor.constructor("alert(1)")()}}',
  '%3Cscript%3Ealert(1)%3C/script%3E',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;alert(1)&#60;/script&#62;',
  "'; drop table beacon.trace_spans; --",
  "' or 1=1 --",
  '$1; select pg_sleep(10)',
  '../../../../etc/passwd',
  '\\u003cscript\\u003ealert(1)\\u003c/script\\u003e',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '\u202Etxt.exe',
  'e\u0301\u0301\u0301\u0301\u0301\u0301\u0301',
  '👩‍👩‍👧‍👦 \u200B zero width',
  'a\tb',
  'x'.repeat(200),
  '"quoted" \\ and "more"',
  'service=x status=failed',
  '=cmd|calc!A0',
  '<b onmouseover=alert(1)>bold</b>',
];

/** A failed trace for each text: as service, operation, model, region, job, error, attribute and its key; and a tracer. */
export async function plantHostile(client: pg.ClientBase): Promise<void> {
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at,
       duration_ms, execution_id, job_id, model_id, region, error_type, error_message, metadata)
     select md5(n || 'hostile')::uuid, decode(substr(md5(n || ' ' || level), 1, 16), 'hex'),
       case when level = 2 then decode(substr(md5(n || ' 1'), 1, 16), 'hex') end, text, text, 'server', 'failed',
       now() - n * interval '7 seconds', now() - n * interval '7 seconds' + interval '90 ms', 90, 5000 + n, text, text, text, text, text,
       jsonb_build_object(text, text, 'plain', text)
     from unnest($1::text[]) with ordinality as t (text, n), generate_series(1, 2) level`,
    [HOSTILE],
  );
  await client.query('select beacon.recount_traces(array(select distinct trace_id from beacon.trace_spans))');
  await client.query(
    `insert into beacon.tracers (tracer_id, service, instance, pid, flag, flag_source, versions, last_error, started_at, heartbeat_at)
     select gen_random_uuid(), text, text, 1, text, text, '{}', text, now(), now() from unnest($1::text[]) text`,
    [HOSTILE],
  );
}
