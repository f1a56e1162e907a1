// The receipts of an execution, an attempt each, checked against the key and against what is stored now.
import type { KeyObject } from 'node:crypto';
import { findExecution } from './jobs.ts';
import { type Receipt, verifyReceipt } from './receipt.ts';
import type { Database } from './store.ts';

/** In the order of the attempts. `problems` says what does not hold of a receipt that is not valid. */
export async function listReceipts(db: Database, publicKey: KeyObject, executionId: string) {
  const execution = await findExecution(db, executionId);
  const { rows } = await db.query(
    `select r.attempt, r.receipt_data, e.question, coalesce(a.answer, case when e.attempt = r.attempt then e.output_data ->> 'answer' end)
       as answer
     from runner.receipts r
     join runner.executions e on e.id = r.execution_id
     left join beacon.answers a on a.execution_id = r.execution_id and a.attempt = r.attempt
     where r.execution_id = $1 order by r.attempt`,
    [executionId],
  );
  const receipts = rows.map(({ attempt, receipt_data, question, answer }) => {
    const receipt = receipt_data as Receipt;
    const about = { executionId: Number(executionId), question, ...(answer !== null && { answer }) };
    return { attempt, ...verifyReceipt(receipt, publicKey, about), receipt };
  });
  return { execution_id: execution.id, receipts };
}
