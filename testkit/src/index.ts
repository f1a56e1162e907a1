export {
  startSharedServer,
  type TestDatabase,
  type ThrowawayServer,
  testDatabase,
  throwawayServer,
  withDatabase,
} from './postgres.ts';
export { type DrawOptions, type Drawn, draw } from './picture.ts';
