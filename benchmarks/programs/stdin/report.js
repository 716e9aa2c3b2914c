// The report of the words, the recursion and the sieve, done once for a small n and often for a large one.
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function sieve(n) {
  const crossed = new Uint8Array(n);
  let count = 0;
  for (let i = 2; i < n; i++) {
    if (crossed[i]) continue;
    count++;
    for (let j = i * i; j < n; j += i) crossed[j] = 1;
  }
  return count;
}
function words(times) {
  const counts = {};
  const text = "the quick brown fox jumps over the lazy dog ".repeat(times);
  for (const word of text.trim().split(" ")) counts[word] = (counts[word] || 0) + 1;
  const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return sorted.slice(0, 2).map(([word, count]) => `${word}=${count}`).join(" ");
}
class Shape { area() { return 0; } }
class Square extends Shape { constructor(side) { super(); this.side = side; } area() { return this.side ** 2; } }
const n = size;
const areas = Array.from({ length: n }, (_, i) => new Square(i)).reduce((sum, shape) => sum + shape.area(), 0);
print(JSON.stringify({ fib: fib(n), primes: sieve(n * 500), words: words(n * 10), areas, pi: Math.PI.toFixed(9) }));
