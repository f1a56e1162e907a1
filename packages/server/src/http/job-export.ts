// A job as one file over HTTP: the same bytes as `beacon job-export`.
import { createPublicKey } from 'node:crypto';
import * as fs from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import { z } from 'zod';
import { exportJob, FORMATS, MEDIA_TYPES } from '../manifest/export.ts';

const params = z.strictObject({ job_id: z.string().min(1), format: z.enum(FORMATS).default('jsonl') });

export async function jobExportRoute(app: FastifyInstance, pool: pg.Pool): Promise<void> {
  app.get('/api/v1/job-export', async (request, reply) => {
    const { job_id, format } = params.parse(request.query);
    const client = await pool.connect();
    try {
      const { bytes, sha256 } = await exportJob(client, job_id, format, receiptKey());
      const name = `job-${job_id.replace(/[^\w.-]/g, '_')}.${format}`;
      return await reply
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('x-beacon-sha256', sha256)
        .type(MEDIA_TYPES[format])
        .send(Buffer.from(bytes));
    } finally {
      client.release();
    }
  });
}

/** Receipts are verified where their key is. */
function receiptKey() {
  const file = process.env.RECEIPT_KEY_FILE;
  return file && fs.existsSync(file) ? createPublicKey(fs.readFileSync(file)) : undefined;
}
