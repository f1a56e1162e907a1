export {
  startSharedServer,
  type TestDatabase,
  type ThrowawayServer,
  testDatabase,
  throwawayServer,
  withDatabase,
} from './postgres.ts';
