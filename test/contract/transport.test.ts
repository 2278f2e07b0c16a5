import { MemoryNetwork, MemoryTransport, newCurveKeyPair, PackingTransport, ZeromqTransport, type CurveOptions, type Transport } from "../../src/net/index.ts";
import { describeCurve, describePacking, describeTransport } from "./transport.ts";

/** A transport whose dealers pack from the beginning, as towards a peer that is known to read it. */
function packing(inner: Transport): Transport {
  const transport = new PackingTransport(inner);
  return {
    bind: (kind, address, options) => transport.bind(kind, address, options),
    connect: (kind, endpoints, options) => {
      const socket = transport.connect(kind, endpoints, options);
      socket.startPacking();
      return socket;
    },
    close: () => transport.close(),
  };
}

describeTransport("memory", () => new MemoryTransport());
describeTransport("ZeroMQ", () => new ZeromqTransport());
describeTransport("packing memory", () => packing(new MemoryTransport()), 128);
describeTransport("packing ZeroMQ", () => packing(new ZeromqTransport()), 128);
describePacking("memory", () => new MemoryTransport());
describePacking("ZeroMQ", () => new ZeromqTransport());

const keys = newCurveKeyPair();
const both: CurveOptions = { secretKey: keys.secretKey, serverKey: keys.publicKey };
describeTransport("CURVE memory", () => new MemoryTransport(undefined, both));
describeTransport("CURVE ZeroMQ", () => new ZeromqTransport(both));
describeTransport("packing CURVE ZeroMQ", () => packing(new ZeromqTransport(both)), 128);
describeCurve("memory", () => {
  const network = new MemoryNetwork();
  return (curve) => new MemoryTransport(network, curve);
});
describeCurve("ZeroMQ", () => (curve) => new ZeromqTransport(curve));
