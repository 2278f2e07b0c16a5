import { MemoryTransport, ZeromqTransport } from "../../src/net/index.ts";
import { describeTransport } from "./transport.ts";

describeTransport("memory", () => new MemoryTransport());
describeTransport("ZeroMQ", () => new ZeromqTransport());
