// What our client sends, held against what Python's client was recorded sending for the same call, frame by frame. Ids, dates
// and signatures differ by nature; what we add is named here, and nothing else may differ.

import { describe, expect, it, onTestFinished } from "vitest";
import { hmacSigner } from "../../../src/net/index.ts";
import { Client, Dependency } from "../../../src/client/index.ts";
import { findDelimiter, type Dict } from "../../../src/wire/index.ts";
import { recording, theRecorded, wholeFrames, type Recorded } from "../../support/recordings.ts";
import { ScriptedController, type Channel, type Sent } from "../../support/scripted-controller.ts";
import { without } from "../../support/shapes.ts";

/** What our client says in the metadata of requests beyond the reference's: see the reference page of the protocol. */
const METADATA_ADDITIONS = ["count_outputs"];
const KEY = recording("orjson", "connection").key;
const UUIDS = recording("orjson", "registration")
  .messages.filter(({ type }) => type === "registration_request")
  .map(({ content }) => String(content["uuid"]));

const text = (frame: Uint8Array | undefined): string => Buffer.from(frame ?? []).toString("utf8");
/** Python writes `30.0` where JavaScript writes `30`. */
const whole = (json: string): string => json.replaceAll(/([:[,]-?\d+)\.0(?=[,\]}])/g, "$1");

/** A client of a controller that has the recorded engines. */
async function recordedCluster(uuids: readonly string[] = UUIDS): Promise<{ client: Client; peer: ScriptedController }> {
  const peer = new ScriptedController([], KEY);
  for (const [id, uuid] of uuids.entries()) peer.engines.set(id, uuid);
  peer.properties = { "0": {}, "1": {} };
  const client = await Client.connect({ connectionInfo: peer.info, transport: peer, timeoutMs: 2000 });
  onTestFinished(() => client.close());
  return { client, peer };
}

/** The recorded request of a step that a client sent. */
function theirs(step: string, type: string, nth = 0): Recorded {
  const found = recording("orjson", step);
  const sent = { ...found, messages: found.messages.filter(({ hops }) => hops.some(({ at, way }) => at === "client" && way === "out")) };
  return theRecorded(sent, type, undefined, nth);
}

/** What is fixed of a multipart message that a client sent: prefix, header's fields in their order, parent, metadata and content as texts. */
function factsOf(channel: string, frames: readonly Uint8Array[], additions: readonly string[] = []): Dict {
  const at = findDelimiter(frames);
  const [signature, header, parent, metadata, content, ...buffers] = frames.slice(at + 1) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const fields = JSON.parse(text(header)) as Dict;
  return {
    channel,
    prefix: frames.slice(0, at).map(text),
    isSigned: text(signature) === text(hmacSigner(KEY, "hmac-sha256").sign(header, parent, metadata, content)),
    header: JSON.stringify({ ...fields, msg_id: "", session: "", date: "", username: "", version: "" }),
    parent: text(parent),
    metadata: JSON.stringify(without(JSON.parse(text(metadata)) as Dict, additions)),
    content: whole(text(content)),
    hasBuffers: buffers.length > 0,
  };
}

const ofOurs = (sent: Sent): Dict => factsOf(sent.channel, sent.frames, METADATA_ADDITIONS);
const ofTheirs = (recorded: Recorded): Dict =>
  factsOf(recorded.channel, wholeFrames(recorded, recorded.hops.find(({ at, way }) => at === "client" && way === "out")?.prefix));

describe("our client sends what Python's client sends", () => {
  const of = async (channel: Channel, call: (client: Client) => unknown): Promise<Sent> => {
    const { client, peer } = await recordedCluster();
    void Promise.resolve(call(client)).catch(() => undefined); // closed with the client, unanswered
    return peer.next(channel);
  };
  const ids = theirs("hub-results", "result_request").content["msg_ids"] as string[];

  it("to connect", async () => {
    const { client, peer } = await recordedCluster();
    expect(client.ids).toEqual([0, 1]);
    expect(ofOurs(peer.lastListing as Sent)).toEqual(ofTheirs(theirs("connection", "connection_request")));
  });

  it("to an engine: apply and execute, with the engine's uuid as the only frame before the delimiter", async () => {
    expect(ofOurs(await of("mux", (client) => client.at(0).call("math.sqrt", 2)))).toEqual(ofTheirs(theirs("mux-apply", "apply_request")));
    const recorded = theirs("mux-execute", "execute_request");
    const code = String(recorded.content["code"]);
    expect(ofOurs(await of("mux", (client) => client.at(0).execute(code, { silent: false })))).toEqual(ofTheirs(recorded));
    expect(ofOurs(await of("mux", (client) => client.at(0).execute("b = 6")))).toEqual(ofTheirs(theirs("mux-execute-silent", "execute_request")));
  });

  it("to the scheduler: all six options, dependencies as list or object, and no identity", async () => {
    const first = theirs("task-apply", "apply_request");
    expect(
      ofOurs(
        await of("task", (client) =>
          client
            .loadBalancedView()
            .with({ retries: 1, timeoutMs: 30_000, targets: [0, 1] })
            .call("math.sqrt", 2),
        ),
      ),
    ).toEqual(ofTheirs(first));
    const second = theirs("task-apply", "apply_request", 1);
    const id = String(first.header["msg_id"]);
    const options = { after: [id], follow: new Dependency([id], { all: false }) };
    expect(ofOurs(await of("task", (client) => client.loadBalancedView().with(options).call("math.sqrt", 2)))).toEqual(ofTheirs(second));
  });

  it("to the broadcast scheduler: uuid and id of every target", async () => {
    const { client, peer } = await recordedCluster();
    void client.broadcastView().call("math.sqrt", 2);
    const plain = await peer.next("broadcast");
    // Our broadcasts have a label as all other requests; the reference's have none.
    const { label, ...metadata } = plain.metadata;
    expect(label).toBe(null);
    expect(without(metadata, METADATA_ADDITIONS)).toEqual(theirs("broadcast-plain", "apply_request").metadata);
    void client.broadcastView({ coalescing: true }).call("math.sqrt", 2);
    const gathered = await peer.next("broadcast");
    expect(without(gathered.metadata, ["label", ...METADATA_ADDITIONS])).toEqual(theirs("broadcast-coalescing", "apply_request").metadata);
    expect(gathered.idents).toEqual([]);
    const recorded = theirs("broadcast-execute", "execute_request");
    void client.broadcastView().execute(String(recorded.content["code"]), { silent: false });
    const cell = await peer.next("broadcast");
    expect(cell.content).toEqual(recorded.content);
    expect(without(cell.metadata, ["label", ...METADATA_ADDITIONS])).toEqual(recorded.metadata);
  });

  it("to an engine's control channel", async () => {
    expect(ofOurs(await of("control", (client) => client.clear(0)))).toEqual(ofTheirs(theirs("control-clear", "clear_request")));
    expect(ofOurs(await of("control", (client) => client.sendSignal(0, 0)))).toEqual(ofTheirs(theirs("control-signal", "signal_request")));
    expect(ofOurs(await of("control", (client) => client.shutdown({ targets: 0 })))).toEqual(ofTheirs(theirs("engine-shutdown", "shutdown_request")));
    const abort = theirs("control-abort", "abort_request");
    expect(ofOurs(await of("control", (client) => client.abort(abort.content["msg_ids"] as string[], 0)))).toEqual(ofTheirs(abort));
  });

  it("to the Hub", async () => {
    expect(ofOurs(await of("registration", (client) => client.queueStatus()))).toEqual(ofTheirs(theirs("hub-queue", "queue_request")));
    expect(ofOurs(await of("registration", (client) => client.queueStatus("all", { verbose: true })))).toEqual(
      ofTheirs(theirs("hub-queue", "queue_request", 1)),
    );
    expect(ofOurs(await of("registration", (client) => client.resultStatus(ids)))).toEqual(ofTheirs(theirs("hub-results", "result_request")));
    expect(ofOurs(await of("registration", (client) => client.hubHistory()))).toEqual(ofTheirs(theirs("hub-history", "history_request")));
    const query = { msg_id: ids[0] };
    const keys = theirs("hub-db", "db_request", 1).content["keys"] as string[];
    expect(ofOurs(await of("registration", (client) => client.dbQuery(query)))).toEqual(ofTheirs(theirs("hub-db", "db_request")));
    expect(ofOurs(await of("registration", (client) => client.dbQuery(query, keys)))).toEqual(ofTheirs(theirs("hub-db", "db_request", 1)));
    const purging = await of("registration", (client) => client.purgeHubResults([ids[0] as string]));
    expect(ofOurs(purging)).toEqual(ofTheirs(theirs("hub-purge", "purge_request")));
    expect(ofOurs(await of("registration", (client) => client.resubmit([ids[1] as string])))).toEqual(ofTheirs(theirs("hub-resubmit", "resubmit_request")));
  });

  it("to end the controller", async () => {
    const { client, peer } = await recordedCluster([]);
    void client.shutdown({ hub: true }).catch(() => undefined); // closed with the client, unanswered
    expect(ofOurs(await peer.next("registration"))).toEqual(ofTheirs(theirs("hub-shutdown", "shutdown_request")));
  });
});
