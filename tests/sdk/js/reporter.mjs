// Prints one line a test: "pass NAME" or "fail NAME"; what went wrong goes to stderr.
const leaf = (event) => event.data.details?.type !== 'suite';
const name = (event) => event.data.name.replaceAll(' ', '_');

export default async function* lines(source) {
  for await (const event of source) {
    if (event.type === 'test:pass' && leaf(event)) {
      yield `${event.data.skip === undefined ? 'pass' : 'skip'} ${name(event)}\n`;
    } else if (event.type === 'test:fail' && leaf(event)) {
      const error = event.data.details.error;
      process.stderr.write(`${event.data.name}: ${error?.cause?.stack ?? error}\n`);
      yield `fail ${name(event)}\n`;
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      process.stderr.write(event.data.message);
    }
  }
}
