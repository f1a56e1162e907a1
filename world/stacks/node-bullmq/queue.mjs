// What both sides of the queue agree on.
import Redis from 'ioredis';

export const name = `mails-${process.env.FAILURE}`;
/** BullMQ asks for one that tries for ever. */
export const connect = () => new Redis(process.env.WORLD_REDIS_URL, { maxRetriesPerRequest: null });
