// Loaded into every service before its own code: a service whose supervisor was killed stops by itself, in order.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Listening must not keep a service alive that has nothing else to do.
process.channel?.unref();
