const failure = process.env.FAILURE;

async function thumbs(port = 8080) {
  const response = await fetch(`http://thumbs-api:${port}/thumbs`, { method: 'POST', body: '{}' });
  if (!response.ok) throw new Error(`thumbs-api answered ${response.status}`);
  return response.json();
}

exports.handler = async (event) => {
  if (failure === 'throws') return event.images.map((image) => image.width);
  if (failure === 'out-of-memory') {
    await thumbs();
    process.kill(process.pid, 'SIGKILL');
  }
  if (failure === 'missing-variable') throw new Error('Environment variable BUCKET is not set');
  if (failure === 'answers-500') {
    await thumbs().catch(() => undefined);
    return { statusCode: 500, body: '{"message":"Internal Server Error"}' };
  }
  return { statusCode: 200, body: JSON.stringify(await thumbs(failure === 'callee-refused' ? 8089 : 8080)) };
};
