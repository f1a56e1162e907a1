// What registered business tables cannot tell, in words.

const SAID = (without: string, asked: string) => `
  select t.summary || case when ${without} then ': its rows are left out; ' when t.role = 'status_column' then ', so all of it counts as completed; '
    else ', so it tells nothing of that; ' end || t.fix || '.' as said
  from beacon.record_troubles() t where ${asked}`;

/** Statement that gives a sentence for each registered table, or column of one, that cannot be used for jobs. */
export const UNREADABLE_FOR_JOBS = SAID(`t.needed or t.role = 'job_column'`, 'true');

/** The same for coverage, which needs the columns for id and time, and that for the job to tell which it is. */
export const UNREADABLE_FOR_COVERAGE = SAID('t.needed', `t.needed or t.role = 'job_column'`);
