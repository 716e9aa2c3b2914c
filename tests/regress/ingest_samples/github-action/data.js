window.BENCHMARK_DATA = {
 "lastUpdate": 1767430900000,
 "repoUrl": "https://example.org/x",
 "entries": {
  "Rust": [
   {
    "commit": {
     "author": {
      "name": "A"
     },
     "id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "message": "m",
     "timestamp": "2026-01-01T10:00:00+01:00",
     "url": "https://example.org"
    },
    "date": 1767344400000,
    "tool": "cargo",
    "benches": [
     {
      "name": "adds",
      "value": 120,
      "range": "\u00b1 3",
      "unit": "ns/iter"
     },
     {
      "name": "copies",
      "value": 240,
      "range": "\u00b1 7",
      "unit": "ns/iter"
     }
    ]
   },
   {
    "commit": {
     "author": {
      "name": "A"
     },
     "id": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
     "message": "m",
     "timestamp": "2026-01-02T10:00:00+01:00",
     "url": "https://example.org"
    },
    "date": 1767430800000,
    "tool": "cargo",
    "benches": [
     {
      "name": "adds",
      "value": 125,
      "range": "\u00b1 3",
      "unit": "ns/iter"
     },
     {
      "name": "copies",
      "value": 250,
      "range": "\u00b1 7",
      "unit": "ns/iter"
     }
    ]
   }
  ],
  "JS": [
   {
    "commit": {
     "id": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
     "timestamp": "2026-01-02T10:00:00+01:00"
    },
    "date": 1767430800000,
    "tool": "benchmarkjs",
    "benches": [
     {
      "name": "parse",
      "value": 5000,
      "range": "\u00b10.5%",
      "unit": "ops/sec",
      "extra": "90 samples"
     }
    ]
   }
  ]
 }
}