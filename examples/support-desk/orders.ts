import { DatabaseSync } from "node:sqlite";

import { SpanKind, trace } from "@opentelemetry/api";

/** An order of the shop. */
export interface Order {
  readonly id: string;
  readonly item: string;
  readonly status: string;
  readonly paidCents: number;
}

/** The shop's orders, in an SQLite table in memory. */
export class Orders {
  readonly #database = new DatabaseSync(":memory:");

  constructor() {
    this.#database.exec(`
      CREATE TABLE orders (id TEXT PRIMARY KEY, item TEXT, status TEXT, paid_cents INTEGER);
      INSERT INTO orders VALUES
        ('A-1001', 'a fountain pen', 'shipped', 4900),
        ('B-2002', 'a desk lamp', 'packed', 12900),
        ('C-3003', 'a gift card', 'delivered', 5000);
    `);
  }

  find(id: string): Order | undefined {
    const text = "SELECT id, item, status, paid_cents AS paidCents FROM orders WHERE id = ?";
    return this.#query(
      "SELECT orders",
      text,
      () => this.#database.prepare(text).get(id) as Order | undefined,
    );
  }

  close(): void {
    this.#database.close();
  }

  /** What a database instrumentation would do: a span from a plain OpenTelemetry tracer, not from Waybill. */
  #query<T>(name: string, text: string, run: () => T): T {
    const tracer = trace.getTracer("orders-database");
    const attributes = { "db.system.name": "sqlite", "db.query.text": text };
    return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, (span) => {
      try {
        return run();
      } finally {
        span.end();
      }
    });
  }
}
