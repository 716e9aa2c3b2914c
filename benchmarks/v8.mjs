// One module in V8, driven line by line by benchmarks/peers.py: each line of JSON on standard input is answered by one.
//
//   {ready}                      answer, once Node.js has started
//   {compile}                    compile the module, synchronously
//   {fresh: argv, stdin, stdout} a fresh instance, with WASI where the module wants it
//   {call, args}                 call an export; {value, float} or {exit}
//   {read, size}, {write, data}  the memory's bytes, in base64
import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { WASI } from 'node:wasi';

class Exit {
  constructor(code) { this.code = code; }
}

const bytes = readFileSync(process.argv[2]);
let module, instance;

function fresh({ fresh: args, stdin, stdout }) {
  instance = undefined;
  globalThis.gc(); // or the memories of a few instances take all the address space that V8 allows itself
  const files = { stdin: openSync(stdin ?? '/dev/null', 'r'), stdout: openSync(stdout, 'w') };
  const wasi = new WASI({ version: 'preview1', args, ...files });
  wasi.wasiImport.proc_exit = (code) => { throw new Exit(code); };
  instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport });
  // gives WASI the memory; the program's own _start is called, and timed, as any export
  wasi.start({ exports: { memory: instance.exports.memory ?? new WebAssembly.Memory({ initial: 0 }), _start() {} } });
  return {};
}

function call({ call: name, args }) {
  const given = args.map(Number);
  try {
    const value = instance.exports[name](...given);
    return { value: value === undefined ? null : String(value), float: typeof value === 'number' && !Number.isInteger(value) };
  } catch (thrown) {
    if (thrown instanceof Exit) return { exit: thrown.code };
    throw thrown;
  }
}

const memory = (start, size) => Buffer.from(instance.exports.memory.buffer, start, size);

function answer(question) {
  if (question.ready) return {};
  if (question.compile) {
    module = new WebAssembly.Module(bytes);
    return {};
  }
  if (question.fresh) return fresh(question);
  if (question.call) return call(question);
  if (question.read !== undefined) return { data: memory(question.read, question.size).toString('base64') };
  const data = Buffer.from(question.data, 'base64');
  data.copy(memory(question.write, data.length));
  return {};
}

for await (const line of createInterface({ input: process.stdin })) {
  let told;
  try {
    told = answer(JSON.parse(line));
  } catch (thrown) {
    told = { error: String(thrown?.stack ?? thrown) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
