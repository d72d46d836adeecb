"""Talks to an app through its names at the gateway. Usage: client.py ADDRESS PORT CA-FILE NAME GRPC-NAME"""

import asyncio
import pathlib
import ssl
import sys

import grpc
import websockets

address, port, ca_file, name, grpc_name = sys.argv[1:]


async def over_websocket() -> str:
    context = ssl.create_default_context(cafile=ca_file)
    async with websockets.connect(f"wss://{name}:{port}/socket", host=address, port=int(port), ssl=context, server_hostname=name, open_timeout=60) as socket:
        await socket.send("hello")
        return await socket.recv()


def over_grpc() -> str:
    credentials = grpc.ssl_channel_credentials(pathlib.Path(ca_file).read_bytes())
    options = [("grpc.ssl_target_name_override", grpc_name), ("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(f"{address}:{port}", credentials, options) as channel:
        return channel.unary_unary("/example.Talk/Say")(b"hello", timeout=60, wait_for_ready=True).decode()


for kind, answer in (("WebSocket", asyncio.run(over_websocket())), ("gRPC", over_grpc())):
    print(f"  over {kind}: {answer}")
    assert answer == "you said hello", answer
