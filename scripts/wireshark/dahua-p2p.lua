-- Wireshark dissector for the Dahua P2P protocol.
--
--   DH-HTTP   signaling with the cloud: HTTP-like text over UDP, bodies in XML       dhhttp.*
--   STUN      connectivity checks: STUN with every byte complemented                 dhstun.*
--   PTCP      the transport: PseudoTCP over UDP, with sequence analysis              ptcp.*
--   TOU       realm frames, reassembled from PTCP's byte stream, or on TCP relays    tou.*
--
-- Realm bytes of port 554 go to Wireshark's own RTSP dissector, message by message.
--
-- Use: wireshark -X lua_script:dahua-p2p.lua capture.pcapng, or copy it into the folder of personal
-- Lua plugins. No port is fixed: datagrams are recognised by their content. When a port in use is
-- registered to another protocol, switch on "Try heuristic sub-dissectors first" of UDP.
--
-- Works with Wireshark 3.6 and newer. The layouts are those of PROTOCOL.md.

local MAX_PENDING_BYTES = 4 * 1024 * 1024 -- out of order, per direction
local MAX_MESSAGE_BYTES = 1024 * 1024 -- one RTSP message
local WRAP = 4294967296
local HALF = 2147483648

local p2p = Proto("dahua_p2p", "Dahua P2P")
local dhhttp = Proto("dhhttp", "Dahua signaling (DH-HTTP)")
local dhstun = Proto("dhstun", "Dahua inverted STUN")
local ptcp = Proto("ptcp", "Dahua PTCP (PseudoTCP)")
local tou = Proto("tou", "Dahua realm frame (TOU)")

ptcp.prefs.rtsp_ports = Pref.string("RTSP ports", "554",
  "Ports of the device whose realms carry RTSP, separated by commas")

-- ---------------------------------------------------------------------------------------------
-- Fields

local h = {
  request = ProtoField.bool("dhhttp.request", "Request"),
  response = ProtoField.bool("dhhttp.response", "Response"),
  method = ProtoField.string("dhhttp.method", "Method"),
  path = ProtoField.string("dhhttp.path", "Path"),
  version = ProtoField.string("dhhttp.version", "Version"),
  status = ProtoField.uint16("dhhttp.status", "Status"),
  phrase = ProtoField.string("dhhttp.phrase", "Phrase"),
  header = ProtoField.string("dhhttp.header", "Header"),
  cseq = ProtoField.int64("dhhttp.cseq", "CSeq"),
  date = ProtoField.string("dhhttp.date", "Date"),
  content_length = ProtoField.uint32("dhhttp.content_length", "Content-Length"),
  content_type = ProtoField.string("dhhttp.content_type", "Content-Type"),
  authorization = ProtoField.string("dhhttp.authorization", "Authorization"),
  wsse = ProtoField.string("dhhttp.wsse", "X-WSSE"),
  wsse_created = ProtoField.string("dhhttp.wsse.created", "Created"),
  x_version = ProtoField.string("dhhttp.x_version", "X-Version"),
  request_id = ProtoField.string("dhhttp.request_id", "x-pcs-request-id"),
  body = ProtoField.string("dhhttp.body", "Body"),
  element = ProtoField.string("dhhttp.element", "Element"),
  retransmission = ProtoField.framenum("dhhttp.retransmission_of", "Retransmission of", base.NONE,
    frametype.RETRANS_PREV),
  request_in = ProtoField.framenum("dhhttp.request_in", "Request in", base.NONE, frametype.REQUEST),
  response_in = ProtoField.framenum("dhhttp.response_in", "Response in", base.NONE,
    frametype.RESPONSE),
  time = ProtoField.relative_time("dhhttp.time", "Time since request"),
}

-- Elements of the bodies; each has a filter of its own, dhhttp.body.<lower case name>.
local ELEMENTS = {
  "Address", "Agent", "agentAddr", "Client", "ClientId", "CreateDate", "Dev", "DevAuth",
  "DevVersion", "DS", "ErrCode", "Error", "Identify", "Info", "IpEncrpt", "IpEncrptV2", "IpType",
  "LocalAddr", "NatValueT", "Nonce", "Pid", "Policy", "PubAddr", "RandSalt", "Relay", "SID",
  "sVersion", "Time", "Token", "TransType", "US", "UserName", "version",
}
local element_fields = {}
local http_fields = {}
for _, field in pairs(h) do http_fields[#http_fields + 1] = field end
for _, name in ipairs(ELEMENTS) do
  local field = ProtoField.string("dhhttp.body." .. name:lower(), name)
  element_fields[name:lower()] = field
  http_fields[#http_fields + 1] = field
end
dhhttp.fields = http_fields

local HEADER_FIELDS = {
  ["date"] = h.date,
  ["content-type"] = h.content_type,
  ["authorization"] = h.authorization,
  ["x-wsse"] = h.wsse,
  ["x-version"] = h.x_version,
  ["x-pcs-request-id"] = h.request_id,
}

local STUN_TYPES = {
  [0x0001] = "Binding request",
  [0x0101] = "Binding success response",
  [0x0111] = "Binding error response",
}
local STUN_ATTRIBUTES = {
  [0x0004] = "SOURCE-ADDRESS",
  [0x8029] = "ICE-CONTROLLED",
  [0x802a] = "ICE-CONTROLLING",
}
local s = {
  type = ProtoField.uint16("dhstun.type", "Type", base.HEX, STUN_TYPES),
  length = ProtoField.uint16("dhstun.length", "Length"),
  cookie = ProtoField.uint32("dhstun.cookie", "Cookie", base.HEX),
  id = ProtoField.bytes("dhstun.id", "Transaction id"),
  attribute = ProtoField.uint16("dhstun.attribute", "Attribute", base.HEX, STUN_ATTRIBUTES),
  attribute_length = ProtoField.uint16("dhstun.attribute.length", "Attribute length"),
  controlling = ProtoField.bytes("dhstun.controlling", "ICE-CONTROLLING (Identify)"),
  controlled = ProtoField.bytes("dhstun.controlled", "ICE-CONTROLLED (Identify)"),
  identify = ProtoField.bytes("dhstun.identify", "Identify"),
  address = ProtoField.ipv4("dhstun.address", "Address"),
  port = ProtoField.uint16("dhstun.port", "Port"),
  value = ProtoField.bytes("dhstun.attribute.value", "Value"),
  trailing = ProtoField.bytes("dhstun.trailing", "Bytes behind the message"),
  confirmation = ProtoField.bool("dhstun.confirmation", "Confirmation (no address)"),
  request_in = ProtoField.framenum("dhstun.request_in", "Request in", base.NONE, frametype.REQUEST),
  response_in = ProtoField.framenum("dhstun.response_in", "Response in", base.NONE,
    frametype.RESPONSE),
  time = ProtoField.relative_time("dhstun.time", "Time since request"),
}
local stun_fields = {}
for _, field in pairs(s) do stun_fields[#stun_fields + 1] = field end
dhstun.fields = stun_fields

local p = {
  stream = ProtoField.uint32("ptcp.stream", "Stream index"),
  seq = ProtoField.uint32("ptcp.seq", "Sequence number"),
  next_seq = ProtoField.uint32("ptcp.nxtseq", "Next sequence number"),
  ack = ProtoField.uint32("ptcp.ack", "Acknowledgement number"),
  control = ProtoField.uint8("ptcp.control", "Control byte", base.HEX),
  flags = ProtoField.uint8("ptcp.flags", "Flags", base.HEX),
  flag_fin = ProtoField.bool("ptcp.flags.fin", "FIN", 8, nil, 0x01),
  flag_ctl = ProtoField.bool("ptcp.flags.ctl", "CTL", 8, nil, 0x02),
  flag_rst = ProtoField.bool("ptcp.flags.rst", "RST", 8, nil, 0x04),
  window = ProtoField.uint16("ptcp.window_value", "Window"),
  window_bytes = ProtoField.uint32("ptcp.window", "Calculated window"),
  timestamp = ProtoField.uint32("ptcp.timestamp", "Timestamp"),
  echo = ProtoField.uint32("ptcp.echo", "Timestamp echo"),
  len = ProtoField.uint32("ptcp.len", "Payload length"),
  payload = ProtoField.bytes("ptcp.payload", "Payload"),
  connect = ProtoField.bool("ptcp.connect", "CONNECT"),
  ctl_kind = ProtoField.uint8("ptcp.control_kind", "Control kind"),
  option = ProtoField.uint8("ptcp.option", "Option", base.DEC,
    { [0] = "End", [1] = "Padding", [2] = "Maximum segment size", [3] = "Window scale" }),
  scale = ProtoField.uint8("ptcp.window_scale", "Window scale"),
  nack = ProtoField.bool("ptcp.nack", "NACK"),
  nack_length = ProtoField.uint16("ptcp.nack.length", "NACK length"),
  nack_seq = ProtoField.uint32("ptcp.nack.seq", "First missing sequence number"),
  nack_reserved = ProtoField.uint16("ptcp.nack.reserved", "Unknown", base.HEX),
  nack_span = ProtoField.uint16("ptcp.nack.span", "Last minus first missing"),
  partial = ProtoField.uint32("ptcp.partial", "Bytes of a frame that continues in a later segment"),
  pending = ProtoField.uint32("ptcp.pending", "Bytes that wait for earlier ones"),
  flight = ProtoField.uint32("ptcp.analysis.bytes_in_flight", "Bytes in flight"),
  retransmission = ProtoField.bool("ptcp.analysis.retransmission", "Retransmission"),
  retransmission_of = ProtoField.framenum("ptcp.analysis.retransmission_of", "First sent in",
    base.NONE, frametype.RETRANS_PREV),
  fast = ProtoField.bool("ptcp.analysis.fast_retransmission", "Fast retransmission"),
  duplicate = ProtoField.bool("ptcp.analysis.duplicate_segment",
    "Duplicate of a segment (same timestamp)"),
  out_of_order = ProtoField.bool("ptcp.analysis.out_of_order", "Out of order"),
  lost = ProtoField.bool("ptcp.analysis.lost_segment", "Previous segment missing"),
  dup_ack = ProtoField.bool("ptcp.analysis.duplicate_ack", "Duplicate acknowledgement"),
  dup_ack_num = ProtoField.uint32("ptcp.analysis.duplicate_ack_num", "Duplicate acknowledgement #"),
  zero_window = ProtoField.bool("ptcp.analysis.zero_window", "Zero window"),
  window_update = ProtoField.bool("ptcp.analysis.window_update", "Window update"),
  window_full = ProtoField.bool("ptcp.analysis.window_full", "Window full"),
  probe = ProtoField.bool("ptcp.analysis.window_probe", "Window probe"),
  ack_beyond = ProtoField.bool("ptcp.analysis.ack_beyond", "Acknowledges what was never sent"),
  acks_frame = ProtoField.framenum("ptcp.analysis.acks_frame", "Acknowledges the segment in",
    base.NONE, frametype.ACK),
  ack_rtt = ProtoField.relative_time("ptcp.analysis.ack_rtt", "Time until acknowledged"),
}
local ptcp_fields = {}
for _, field in pairs(p) do ptcp_fields[#ptcp_fields + 1] = field end
ptcp.fields = ptcp_fields

local TOU_TYPES = {
  [0x10] = "DATA",
  [0x11] = "BIND",
  [0x12] = "STATUS",
  [0x13] = "HEARTBEAT",
  [0x14] = "SERVICE",
  [0x17] = "SIGN REQUEST",
  [0x18] = "SIGN",
  [0x19] = "SIGN PRESENT",
  [0x1a] = "SIGN ANSWER",
  [0x1b] = "SIGN CONFIRM",
}
-- Body bytes by type, whatever the length field says; the others use the field.
local TOU_BODY = {
  [0x11] = 8, [0x12] = 4, [0x13] = 0, [0x14] = 0, [0x17] = 0, [0x18] = 4, [0x19] = 4, [0x1a] = 4,
  [0x1b] = 0,
}
local t = {
  type = ProtoField.uint8("tou.type", "Type", base.HEX, TOU_TYPES),
  version = ProtoField.uint8("tou.version", "Version", base.DEC, nil, 0xf0),
  zero = ProtoField.uint8("tou.reserved1", "Reserved", base.HEX),
  length = ProtoField.uint16("tou.length", "Length"),
  realm = ProtoField.uint32("tou.realm", "Realm", base.HEX),
  padding = ProtoField.uint32("tou.reserved2", "Reserved", base.HEX),
  port = ProtoField.uint32("tou.port", "Port"),
  ip = ProtoField.ipv4("tou.ip", "Address"),
  status = ProtoField.string("tou.status", "Status"),
  sign = ProtoField.bytes("tou.sign", "Sign"),
  data = ProtoField.bytes("tou.data", "Data"),
  body = ProtoField.bytes("tou.body", "Body of an unknown kind"),
  realm_port = ProtoField.uint32("tou.realm_port", "Port of the realm"),
  bind_in = ProtoField.framenum("tou.bind_in", "Bound in", base.NONE, frametype.REQUEST),
  time = ProtoField.relative_time("tou.time", "Time since BIND"),
  segment = ProtoField.framenum("tou.segment", "Segment"),
  segments = ProtoField.uint32("tou.segment_count", "Segments"),
  lost = ProtoField.bool("tou.boundary_lost", "Frame boundary lost"),
  rtsp_partial = ProtoField.uint32("tou.rtsp_partial",
    "Bytes of an RTSP message that continues in a later frame"),
  rtsp_lost = ProtoField.bool("tou.rtsp_lost", "No RTSP message begins here"),
}
local tou_fields = {}
for _, field in pairs(t) do tou_fields[#tou_fields + 1] = field end
tou.fields = tou_fields

local e = {
  retransmission = ProtoExpert.new("ptcp.expert.retransmission", "Retransmission",
    expert.group.SEQUENCE, expert.severity.NOTE),
  fast = ProtoExpert.new("ptcp.expert.fast_retransmission", "Fast retransmission",
    expert.group.SEQUENCE, expert.severity.NOTE),
  duplicate = ProtoExpert.new("ptcp.expert.duplicate_segment", "Duplicate of a segment",
    expert.group.SEQUENCE, expert.severity.NOTE),
  out_of_order = ProtoExpert.new("ptcp.expert.out_of_order", "Out of order", expert.group.SEQUENCE,
    expert.severity.WARN),
  lost = ProtoExpert.new("ptcp.expert.lost_segment", "Previous segment missing",
    expert.group.SEQUENCE, expert.severity.WARN),
  dup_ack = ProtoExpert.new("ptcp.expert.duplicate_ack", "Duplicate acknowledgement",
    expert.group.SEQUENCE, expert.severity.NOTE),
  zero_window = ProtoExpert.new("ptcp.expert.zero_window", "Zero window", expert.group.SEQUENCE,
    expert.severity.WARN),
  window_update = ProtoExpert.new("ptcp.expert.window_update", "Window update",
    expert.group.SEQUENCE, expert.severity.CHAT),
  window_full = ProtoExpert.new("ptcp.expert.window_full", "Window full", expert.group.SEQUENCE,
    expert.severity.NOTE),
  probe = ProtoExpert.new("ptcp.expert.window_probe", "Window probe", expert.group.SEQUENCE,
    expert.severity.NOTE),
  nack = ProtoExpert.new("ptcp.expert.nack", "NACK: the device misses bytes",
    expert.group.SEQUENCE, expert.severity.WARN),
  ack_beyond = ProtoExpert.new("ptcp.expert.ack_beyond", "Acknowledges what was never sent",
    expert.group.SEQUENCE, expert.severity.ERROR),
  reset = ProtoExpert.new("ptcp.expert.reset", "Connection reset", expert.group.SEQUENCE,
    expert.severity.WARN),
}
ptcp.experts = {
  e.retransmission, e.fast, e.duplicate, e.out_of_order, e.lost, e.dup_ack, e.zero_window,
  e.window_update, e.window_full, e.probe, e.nack, e.ack_beyond, e.reset,
}
local boundary_lost = ProtoExpert.new("tou.expert.boundary_lost", "Frame boundary lost",
  expert.group.REASSEMBLE, expert.severity.ERROR)
tou.experts = { boundary_lost }

-- The order in which findings are shown, with their field and expert info.
local FINDINGS = {
  { "lost", p.lost, e.lost, "previous segment missing" },
  { "retransmission", p.retransmission, e.retransmission, "retransmission" },
  { "fast", p.fast, e.fast, "fast retransmission" },
  { "duplicate", p.duplicate, e.duplicate, "duplicate" },
  { "out_of_order", p.out_of_order, e.out_of_order, "out of order" },
  { "dup_ack", p.dup_ack, e.dup_ack, "dup ack" },
  { "probe", p.probe, e.probe, "window probe" },
  { "zero_window", p.zero_window, e.zero_window, "zero window" },
  { "window_update", p.window_update, e.window_update, "window update" },
  { "window_full", p.window_full, e.window_full, "window full" },
  { "ack_beyond", p.ack_beyond, e.ack_beyond, "ack beyond" },
}

-- ---------------------------------------------------------------------------------------------
-- State of one pass over the capture. What a packet means depends on those before it, so it is
-- worked out when the packet is first seen and kept by packet number.

local conversations, conversation_count, packets, http_requests, http_packets, stun_requests
local stun_packets, tcp_frames, rtsp_ports

local function reset()
  conversations, conversation_count, packets = {}, 0, {}
  http_requests, http_packets = {}, {}
  stun_requests, stun_packets = {}, {}
  tcp_frames = {}
  rtsp_ports = {}
  for port in tostring(ptcp.prefs.rtsp_ports):gmatch("%d+") do rtsp_ports[tonumber(port)] = true end
end
p2p.init = reset
reset()

local function difference(a, b)
  local d = (a - b) % WRAP
  if d >= HALF then d = d - WRAP end
  return d
end

local function raw_u16(text, at)
  local a, b = text:byte(at, at + 1)
  return a * 256 + b
end

local function raw_u32(text, at)
  local a, b, c, d = text:byte(at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function new_half()
  return {
    sent = {}, -- sequence number -> { frame, timestamp } of its first segment
    sent_count = 0,
    queue = {}, -- segments in flight, for round trips
    queue_head = 1,
    dup_acks = 0,
    gaps = {}, -- missing ranges below the highest sequence number
    scale = 0,
    has_data = false,
    stream = { buffer = "", segments = {}, pending = {}, pending_bytes = 0, pending_count = 0 },
  }
end

local function new_conversation()
  local conversation = {
    index = conversation_count,
    halves = { new_half(), new_half() },
    realms = {},
  }
  conversation_count = conversation_count + 1
  return conversation
end

-- The conversation of a packet and which of its halves sent it.
local function conversation_of(pinfo, kind)
  local a = tostring(pinfo.src) .. ":" .. pinfo.src_port
  local b = tostring(pinfo.dst) .. ":" .. pinfo.dst_port
  local side = 1
  if b < a then a, b, side = b, a, 2 end
  local key = kind .. a .. " " .. b
  local conversation = conversations[key]
  if conversation == nil then
    conversation = new_conversation()
    conversations[key] = conversation
  end
  return conversation, side, key
end

-- ---------------------------------------------------------------------------------------------
-- DH-HTTP

local function is_http(text)
  if text:find("^HTTP/1%.[01] %d%d%d") then
    return text:lower():find("\ncseq:", 1, true) ~= nil
  end
  return text:find("^DH[A-Z]+ /") ~= nil or text:find("^NF[A-Z]+ /") ~= nil or
    (text:find("^[A-Z]+ /[^\r\n]* HTTP/1%.[01]\r?\n") ~= nil and
      text:lower():find("\ncseq:", 1, true) ~= nil)
end

-- First sight of a message: which request it repeats or answers.
local function link_http(pinfo, is_request, cseq)
  local link = {}
  if cseq == nil then return link end
  local now = pinfo.rel_ts
  local client = is_request and (tostring(pinfo.src) .. ":" .. pinfo.src_port) or
    (tostring(pinfo.dst) .. ":" .. pinfo.dst_port)
  local key = client .. "/" .. cseq
  local known = http_requests[key]
  if is_request then
    if known and known.response == nil then
      link.retransmission_of = known.frame
      link.request = known
    else
      link.request = { frame = pinfo.number, at = now }
      http_requests[key] = link.request
    end
  elseif known then
    link.request_in = known.frame
    link.time = now - known.at
    known.response = known.response or pinfo.number
  end
  return link
end

local function add_time(tree, field, seconds)
  local whole = math.floor(seconds)
  tree:add(field, NSTime.new(whole, math.floor((seconds - whole) * 1000000000 + 0.5))):set_generated()
end

-- White space around a header's value is not part of it.
local function trim(text)
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function add_header(range, line, tree)
  local item = tree:add(h.header, range, line)
  local name, value = line:match("^([^:]+):%s*(.*)$")
  if name == nil then return end
  name = name:lower()
  value = trim(value)
  local field = HEADER_FIELDS[name]
  if field then item:add(field, range, value) end
  if name == "content-length" and value:match("^%d+$") and #value < 10 then
    item:add(h.content_length, range, tonumber(value))
  end
  if name == "x-wsse" then
    local created = value:match('Created="([^"]*)"')
    if created then item:add(h.wsse_created, range, created) end
  end
  if name == "cseq" and value:match("^-?%d+$") and #value < 12 then
    item:add(h.cseq, range, Int64.new(tonumber(value)))
    return tonumber(value)
  end
end

local function add_elements(text, base_offset, tvb, tree)
  local position = 1
  while true do
    local first, last, name, value = text:find("<([%a][%w_]*)>([^<]*)</", position)
    if first == nil then return end
    local offset = base_offset + first - 1
    local range = tvb:range(offset, last - first - 1)
    local field = element_fields[name:lower()]
    if field then tree:add(field, range, value) end
    tree:add(h.element, range, name .. "=" .. value)
    position = last
  end
end

local function dissect_http(tvb, pinfo, root)
  local text = tvb:raw()
  if not is_http(text) then return 0 end
  pinfo.cols.protocol = "DH-HTTP"
  local tree = root:add(dhhttp, tvb())
  local line_end = text:find("\r?\n") or #text + 1
  local first = text:sub(1, line_end - 1)
  local first_range = tvb:range(0, line_end - 1)
  local is_request = not first:find("^HTTP/")
  if is_request then
    local method, path, version = first:match("^(%S+) (%S+)%s*(%S*)$")
    tree:add(h.request, first_range, true):set_generated()
    tree:add(h.method, first_range, method or first)
    if path then tree:add(h.path, first_range, path) end
    if version and version ~= "" then tree:add(h.version, first_range, version) end
  else
    local version, status, phrase = first:match("^(%S+) (%d%d%d) ?(.*)$")
    tree:add(h.response, first_range, true):set_generated()
    tree:add(h.version, first_range, version)
    tree:add(h.status, first_range, tonumber(status))
    tree:add(h.phrase, first_range, phrase)
  end
  pinfo.cols.info = first
  local cseq
  local _, position = text:find("\r?\n")
  position = (position or #text) + 1
  while position <= #text do
    local stop, last = text:find("\r?\n", position)
    if stop == nil then stop, last = #text + 1, #text end
    if stop == position then
      position = last + 1
      break
    end
    local line = text:sub(position, stop - 1)
    cseq = add_header(tvb:range(position - 1, #line), line, tree) or cseq
    position = last + 1
  end
  if not pinfo.visited then http_packets[pinfo.number] = link_http(pinfo, is_request, cseq) end
  local link = http_packets[pinfo.number] or {}
  if link.retransmission_of then
    tree:add(h.retransmission, link.retransmission_of):set_generated()
    pinfo.cols.info:append(" [retransmission]")
  end
  if link.request and link.request.response then
    tree:add(h.response_in, link.request.response):set_generated()
  end
  if link.request_in then
    tree:add(h.request_in, link.request_in):set_generated()
    add_time(tree, h.time, link.time)
  end
  if cseq then pinfo.cols.info:append(" CSeq=" .. cseq) end
  if position <= #text then
    local body = text:sub(position)
    local range = tvb:range(position - 1)
    local body_tree = tree:add(h.body, range, body)
    add_elements(body, position - 1, tvb, body_tree)
    local xml_start = body:find("<", 1, true)
    if xml_start and body:sub(1, xml_start - 1):find("^%s*$") then
      -- Bodies may end in an empty line that Content-Length counts; it is no XML.
      local xml_end = #body
      while body:byte(xml_end) == 10 or body:byte(xml_end) == 13 do xml_end = xml_end - 1 end
      local xml = tvb:range(position - 1 + xml_start - 1, xml_end - xml_start + 1)
      Dissector.get("xml"):call(xml:tvb(), pinfo, tree)
    end
  end
  return tvb:len()
end
dhhttp.dissector = dissect_http

-- ---------------------------------------------------------------------------------------------
-- Inverted STUN

local function is_stun(text)
  if #text < 20 then return false end
  local kind = 65535 - raw_u16(text, 1)
  local length = 65535 - raw_u16(text, 3)
  return STUN_TYPES[kind] ~= nil and length % 4 == 0 and 20 + length <= #text and #text <= 548
end

local function link_stun(pinfo, is_request, id)
  local link = {}
  local now = pinfo.rel_ts
  if is_request then
    link.request = { frame = pinfo.number, at = now }
    stun_requests[id] = link.request
  elseif stun_requests[id] then
    link.request_in = stun_requests[id].frame
    link.time = now - stun_requests[id].at
    stun_requests[id].response = stun_requests[id].response or pinfo.number
  end
  return link
end

local function dissect_stun(tvb, pinfo, root)
  local raw = tvb:raw()
  if not is_stun(raw) then return 0 end
  pinfo.cols.protocol = "DH-STUN"
  local inverted = raw:gsub(".", function(c) return string.char(255 - c:byte()) end)
  local clear = ByteArray.new(inverted, true):tvb("Inverted STUN")
  local tree = root:add(dhstun, tvb())
  local kind = raw_u16(inverted, 1)
  local stop = 20 + raw_u16(inverted, 3)
  tree:add(s.type, clear:range(0, 2))
  tree:add(s.length, clear:range(2, 2))
  tree:add(s.cookie, clear:range(4, 4))
  tree:add(s.id, clear:range(8, 12))
  local info = STUN_TYPES[kind]
  local offset, has_address = 20, false
  while offset + 4 <= stop do
    local attribute = raw_u16(inverted, offset + 1)
    local length = raw_u16(inverted, offset + 3)
    if offset + 4 + length > stop then break end
    local sub = tree:add(clear:range(offset, 4 + length),
      STUN_ATTRIBUTES[attribute] or string.format("Attribute 0x%04x", attribute))
    sub:add(s.attribute, clear:range(offset, 2))
    sub:add(s.attribute_length, clear:range(offset + 2, 2))
    local value = length > 0 and clear:range(offset + 4, length) or nil
    if (attribute == 0x802a or attribute == 0x8029) and length == 8 then
      sub:add(attribute == 0x802a and s.controlling or s.controlled, value)
      sub:add(s.identify, value)
    elseif attribute == 0x0004 and length == 8 then
      has_address = true
      sub:add(s.port, clear:range(offset + 6, 2))
      sub:add(s.address, clear:range(offset + 8, 4))
      info = info .. " " .. tostring(clear:range(offset + 8, 4):ipv4()) .. ":" ..
        clear:range(offset + 6, 2):uint()
    elseif value then
      sub:add(s.value, value)
    end
    offset = offset + 4 + length + (4 - length % 4) % 4
  end
  if kind == 0x0101 and not has_address then
    tree:add(s.confirmation, clear:range(0, 2), true):set_generated()
    info = info .. " (confirmation)"
  end
  if stop < #raw then tree:add(s.trailing, tvb:range(stop)) end
  if not pinfo.visited then
    stun_packets[pinfo.number] = link_stun(pinfo, kind == 0x0001, inverted:sub(9, 20))
  end
  local link = stun_packets[pinfo.number] or {}
  if link.request and link.request.response then
    tree:add(s.response_in, link.request.response):set_generated()
  end
  if link.request_in then
    tree:add(s.request_in, link.request_in):set_generated()
    add_time(tree, s.time, link.time)
  end
  pinfo.cols.info = info
  return tvb:len()
end
dhstun.dissector = dissect_stun

-- ---------------------------------------------------------------------------------------------
-- RTSP inside a realm: the byte stream is cut into whole messages and interleaved packets.

-- Length of the message or packet at the start of `text`; nil while that is not known; false when it
-- is neither. What stands before `scan` holds no end of the headers.
local function rtsp_length(text, scan)
  if text:byte(1) == 0x24 then
    if #text < 4 then return nil end
    return 4 + raw_u16(text, 3)
  end
  if not text:find("^[\r\n]*[A-Z]") then
    if text:find("^[\r\n]*$") then return nil end
    return false
  end
  local _, header_end = text:find("\r\n\r\n", scan, true)
  if header_end == nil then return nil end
  local length = text:sub(1, header_end):lower():match("\ncontent%-length:%s*(%d+)")
  local total = header_end + (tonumber(length or "0") or 0)
  if total > MAX_MESSAGE_BYTES then return false end
  return total
end

-- Takes the data of one DATA frame; gives whole messages as { text } or, when they lie entirely in
-- this frame, as { offset, length }.
local function feed_rtsp(state, data)
  local messages = {}
  local held = #state.buffer
  local text = held > 0 and state.buffer .. data or data
  local position = 1
  local wanted = state.wanted
  local scan = math.max(1, held - 2)
  while position <= #text do
    local rest = position == 1 and text or text:sub(position)
    if wanted == nil then wanted = rtsp_length(rest, scan) end
    scan = 1
    if wanted == false then
      -- Lost: what begins no message is passed over up to the end of this frame.
      messages.lost = true
      position = #text + 1
    elseif wanted == nil or #rest < wanted then
      break
    elseif position > held then
      messages[#messages + 1] = { offset = position - 1 - held, length = wanted }
      position = position + wanted
    else
      messages[#messages + 1] = { text = rest:sub(1, wanted) }
      position = position + wanted
    end
    wanted = nil
  end
  state.buffer = text:sub(position)
  state.wanted = #state.buffer > 0 and wanted or nil
  if #state.buffer > MAX_MESSAGE_BYTES then
    state.buffer, state.wanted = "", nil
    messages.lost = true
  end
  messages.partial = #state.buffer
  return messages
end

-- ---------------------------------------------------------------------------------------------
-- Realm frames

-- Bytes of the frame at `at`; nil while its header is not complete; false when it is no frame.
local function frame_length(text, at)
  local kind, zero = text:byte(at, at + 1)
  if kind == nil then return nil end
  if kind < 0x10 or kind > 0x1f then return false end
  if kind == 0x10 and zero ~= nil and zero ~= 0 then return false end
  if #text - at + 1 < 12 then return nil end
  return 12 + (TOU_BODY[kind] or raw_u16(text, at + 2))
end

-- First sight of a whole frame: what it says about its realm.
local function note_frame(conversation, side, text, pinfo)
  local kind = text:byte(1)
  local realm = raw_u32(text, 5)
  local note = {}
  local known = conversation.realms[realm]
  if kind == 0x11 then
    known = {
      port = raw_u32(text, 13),
      frame = pinfo.number,
      at = pinfo.rel_ts,
      rtsp = { { buffer = "" }, { buffer = "" } },
    }
    conversation.realms[realm] = known
  elseif known then
    note.bind_in = known.frame
    note.port = known.port
    if kind == 0x12 then note.time = pinfo.rel_ts - known.at end
    if kind == 0x10 and rtsp_ports[known.port] then
      note.rtsp = feed_rtsp(known.rtsp[side], text:sub(13))
    end
  end
  return note
end

local rtsp_dissector

-- Shows one whole frame. `note` is what was worked out about it when it was first seen.
local function show_frame(tvb, pinfo, root, note, segments)
  local kind = tvb:range(0, 1):uint()
  local name = TOU_TYPES[kind] or string.format("UNKNOWN 0x%02x", kind)
  local tree = root:add(tou, tvb())
  tree:append_text(": " .. name)
  tree:add(t.version, tvb:range(0, 1))
  tree:add(t.type, tvb:range(0, 1))
  tree:add(t.zero, tvb:range(1, 1))
  tree:add(t.length, tvb:range(2, 2))
  tree:add(t.realm, tvb:range(4, 4))
  tree:add(t.padding, tvb:range(8, 4))
  local realm = tvb:range(4, 4):uint()
  local info = name
  if realm ~= 0 then info = info .. string.format(" %08x", realm) end
  if note.port then tree:add(t.realm_port, note.port):set_generated() end
  if note.bind_in then tree:add(t.bind_in, note.bind_in):set_generated() end
  local body = tvb:len() > 12 and tvb:range(12) or nil
  if kind == 0x10 then
    info = info .. " " .. (tvb:len() - 12) .. " bytes"
    if body then tree:add(t.data, body) end
  elseif kind == 0x11 then
    tree:add(t.port, tvb:range(12, 4))
    tree:add(t.ip, tvb:range(16, 4))
    info = info .. " " .. tostring(tvb:range(16, 4):ipv4()) .. ":" .. tvb:range(12, 4):uint()
  elseif kind == 0x12 then
    local status = tvb:range(12, 4):raw()
    if not status:find("^[A-Z]+$") then status = tostring(tvb:range(12, 4):bytes()) end
    tree:add(t.status, tvb:range(12, 4), status)
    if note.time then add_time(tree, t.time, note.time) end
    info = info .. " " .. status
  elseif kind == 0x18 or kind == 0x19 or kind == 0x1a then
    tree:add(t.sign, tvb:range(12, 4))
  elseif body then
    tree:add(t.body, body)
  end
  if segments and #segments > 1 then
    tree:add(t.segments, #segments):set_generated()
    for _, frame in ipairs(segments) do tree:add(t.segment, frame):set_generated() end
  end
  tree:append_text(info:sub(#name + 1))
  pinfo.cols.info:append(" | " .. info)
  if note.rtsp == nil then return end
  rtsp_dissector = rtsp_dissector or Dissector.get("rtsp")
  for _, message in ipairs(note.rtsp) do
    local message_tvb
    if message.text then message_tvb = ByteArray.new(message.text, true):tvb("RTSP from several frames")
    else message_tvb = tvb:range(12 + message.offset, message.length):tvb() end
    pinfo.cols.info:append(" | ")
    pinfo.cols.info:fence()
    rtsp_dissector:call(message_tvb, pinfo, root)
  end
  if note.rtsp.lost then tree:add(t.rtsp_lost, true):set_generated() end
  if note.rtsp.partial > 0 then
    tree:add(t.rtsp_partial, note.rtsp.partial):set_generated()
  end
end

-- ---------------------------------------------------------------------------------------------
-- PTCP

-- Takes bytes of one direction in order; appends the frames they complete to `result.frames`.
-- `base` is where they stand in the packet at hand, nil when they came in an earlier packet.
local function feed_frames(conversation, side, data, number, base, pinfo, result)
  local stream = conversation.halves[side].stream
  local position = 1
  while position <= #data do
    if stream.lost then
      -- Frames begin segments as a rule: look for one there.
      local ok = position == 1 and #data >= 12 and frame_length(data, 1) and
        raw_u32(data, 9) == 0 and data:byte(2) == 0
      if not ok then return end
      stream.lost = false
    end
    if stream.buffer == "" then
      local length = frame_length(data, position)
      if length == false then
        stream.lost = true
        result.boundary_lost = true
      elseif length ~= nil and #data - position + 1 >= length then
        local text = data:sub(position, position + length - 1)
        result.frames[#result.frames + 1] = {
          offset = base and base + position - 1 or nil,
          length = length,
          text = base == nil and text or nil,
          segments = { number },
          note = note_frame(conversation, side, text, pinfo),
        }
        position = position + length
      else
        stream.buffer = data:sub(position)
        stream.segments = { number }
        position = #data + 1
      end
    else
      local wanted = frame_length(stream.buffer, 1) or 12
      local take = math.min(wanted - #stream.buffer, #data - position + 1)
      stream.buffer = stream.buffer .. data:sub(position, position + take - 1)
      position = position + take
      if stream.segments[#stream.segments] ~= number then
        stream.segments[#stream.segments + 1] = number
      end
      local length = frame_length(stream.buffer, 1)
      if length == false then
        stream.lost = true
        stream.buffer = ""
        result.boundary_lost = true
      elseif length ~= nil and #stream.buffer >= length then
        result.frames[#result.frames + 1] = {
          length = length,
          text = stream.buffer,
          segments = stream.segments,
          note = note_frame(conversation, side, stream.buffer, pinfo),
        }
        stream.buffer = ""
      end
    end
  end
end

-- Puts a segment's bytes where they belong in the stream and reads on as far as it goes.
local function reassemble(conversation, side, seq, data, pinfo, result)
  local stream = conversation.halves[side].stream
  if stream.next == nil then
    -- Joined in the middle.
    stream.next = seq
    stream.lost = true
  end
  local ahead = difference(seq, stream.next)
  if ahead > 0 then
    if stream.pending[seq] == nil or #stream.pending[seq].data < #data then
      local previous = stream.pending[seq]
      stream.pending_bytes = stream.pending_bytes + #data - (previous and #previous.data or 0)
      stream.pending_count = stream.pending_count + (previous and 0 or 1)
      stream.pending[seq] = { data = data, number = pinfo.number }
    end
    result.pending = #data
    if stream.pending_bytes > MAX_PENDING_BYTES then
      -- The gap was never filled: go on behind it.
      local lowest
      for at in pairs(stream.pending) do
        if lowest == nil or difference(at, lowest) < 0 then lowest = at end
      end
      stream.next = lowest
      stream.lost = true
      stream.buffer = ""
      for _, realm in pairs(conversation.realms) do realm.rtsp[side] = { buffer = "" } end
    else
      return
    end
  else
    local known = -ahead
    if known >= #data then return end
    stream.next = (stream.next + #data - known) % WRAP
    feed_frames(conversation, side, data:sub(known + 1), pinfo.number, 24 + known, pinfo, result)
  end
  while stream.pending_count > 0 do
    local best
    if stream.pending[stream.next] then best = stream.next
    else
      for at, chunk in pairs(stream.pending) do
        local d = difference(at, stream.next)
        if d <= 0 then
          if d + #chunk.data > 0 then best = at
          else
            stream.pending_bytes = stream.pending_bytes - #chunk.data
            stream.pending_count = stream.pending_count - 1
            stream.pending[at] = nil
          end
        end
      end
    end
    if best == nil then return end
    local chunk = stream.pending[best]
    stream.pending[best] = nil
    stream.pending_bytes = stream.pending_bytes - #chunk.data
    stream.pending_count = stream.pending_count - 1
    local known = -difference(best, stream.next)
    stream.next = (stream.next + #chunk.data - known) % WRAP
    feed_frames(conversation, side, chunk.data:sub(known + 1), chunk.number, nil, pinfo, result)
  end
end

-- Whether a body is exactly 0x0A, a length and that many bytes.
local function is_nack_body(body)
  return #body >= 3 and body:byte(1) == 0x0a and raw_u16(body, 2) == #body - 3
end

-- The window scale a CONNECT announces, nil when it announces none.
local function connect_scale(body)
  local position = 2
  while position <= #body do
    local kind = body:byte(position)
    if kind == 0 then return nil end
    if kind == 1 then position = position + 1
    else
      local length = body:byte(position + 1)
      if length == nil then return nil end
      if kind == 3 and length >= 1 then return math.min(body:byte(position + 2) or 0, 14) end
      position = position + 2 + length
    end
  end
  return nil
end

-- What the segment is to those before it.
local function analyse_data(half, other, segment, result)
  local finish = (segment.seq + segment.len) % WRAP
  local first = half.sent[segment.seq]
  local ahead = half.next and difference(segment.seq, half.next) or 0
  if ahead > 0 then
    result.lost = true
    half.gaps[#half.gaps + 1] = { from = half.next, to = segment.seq }
    if #half.gaps > 256 then table.remove(half.gaps, 1) end
  elseif half.next ~= nil and difference(finish, half.next) <= 0 then
    local gap
    for index, candidate in ipairs(half.gaps) do
      if difference(segment.seq, candidate.from) >= 0 and
        difference(segment.seq, candidate.to) < 0 then
        gap = index
      end
    end
    if gap then
      -- A resent segment carries a later timestamp than what was sent after the original.
      if difference(segment.timestamp, half.highest_timestamp or 0) <= 0 then
        result.out_of_order = true
      else
        result.retransmission = true
      end
      local range = half.gaps[gap]
      table.remove(half.gaps, gap)
      if range.from ~= segment.seq then
        half.gaps[#half.gaps + 1] = { from = range.from, to = segment.seq }
      end
      if difference(range.to, finish) > 0 then
        half.gaps[#half.gaps + 1] = { from = finish, to = range.to }
      end
    else
      result.retransmission = true
      if first then
        result.retransmission_of = first.frame
        result.duplicate = first.timestamp == segment.timestamp
      end
    end
    if result.retransmission and other.dup_acks >= 3 and other.ack == segment.seq and
      half.fast_seq ~= segment.seq then
      result.fast = true
      half.fast_seq = segment.seq
    end
  end
  if first == nil then
    half.sent[segment.seq] = { frame = segment.frame, timestamp = segment.timestamp }
    half.sent_count = half.sent_count + 1
    -- Sequence numbers of four gigabytes ago must not be taken for retransmissions.
    if half.sent_count > 65536 then half.sent, half.sent_count = {}, 0 end
  end
  if half.next == nil or difference(finish, half.next) > 0 then
    half.next = finish
    half.highest_timestamp = segment.timestamp
    half.queue[#half.queue + 1] = { finish = finish, frame = segment.frame, at = segment.at }
  end
end

local function analyse_ack(half, other, segment, result)
  local is_pure = segment.len == 0 and not segment.is_control and not result.nack
  local advanced = half.ack == nil or difference(segment.ack, half.ack) > 0
  local in_flight = other.next ~= nil and difference(other.next, segment.ack) > 0
  if advanced then
    half.dup_acks = 0
    local acked
    while half.ack ~= nil or other.queue[other.queue_head] do
      local oldest = other.queue[other.queue_head]
      if oldest == nil or difference(oldest.finish, segment.ack) > 0 then break end
      acked = oldest
      other.queue[other.queue_head] = nil
      other.queue_head = other.queue_head + 1
    end
    if acked then
      result.acks_frame = acked.frame
      result.ack_rtt = segment.at - acked.at
    end
  elseif is_pure and segment.ack == half.ack and not result.probe then
    if segment.window == half.window and in_flight then
      half.dup_acks = half.dup_acks + 1
      result.dup_ack = true
      result.dup_ack_num = half.dup_acks
    elseif segment.window ~= half.window then
      result.window_update = segment.window > (half.window or 0)
    end
  end
  if other.next ~= nil and difference(segment.ack, other.next) > 0 then result.ack_beyond = true end
  if segment.window == 0 and not segment.is_reset then result.zero_window = true end
  if advanced then half.ack = segment.ack end
  half.window = segment.window
end

-- First sight of a segment.
local function analyse(tvb, pinfo)
  local conversation, side, key = conversation_of(pinfo, "ptcp ")
  local half, other = conversation.halves[side], conversation.halves[3 - side]
  local flags = tvb:range(13, 1):uint()
  local is_control = math.floor(flags / 2) % 2 == 1
  local body = tvb:len() > 24 and tvb:raw(24) or ""
  if is_control and body:byte(1) == 0 then
    conversation.initiator = conversation.initiator or side
    if conversation.initiator == side and half.has_data then
      -- The side that opened opens again: a new connection between old endpoints.
      conversation = new_conversation()
      conversation.initiator = side
      conversations[key] = conversation
      half, other = conversation.halves[side], conversation.halves[3 - side]
    end
    half.scale = connect_scale(body) or 0
  end
  local segment = {
    frame = pinfo.number,
    at = pinfo.rel_ts,
    seq = tvb:range(4, 4):uint(),
    ack = tvb:range(8, 4):uint(),
    window = tvb:range(14, 2):uint() * 2 ^ half.scale,
    timestamp = tvb:range(16, 4):uint(),
    len = #body,
    is_control = is_control,
    is_reset = math.floor(flags / 4) % 2 == 1,
  }
  local result = { index = conversation.index, frames = {}, window_bytes = segment.window }
  local control = tvb:range(12, 1):uint()
  local at_boundary = half.stream.buffer == "" and not half.stream.lost
  if not is_control and (control ~= 0 or (is_nack_body(body) and at_boundary and
      half.next == segment.seq)) then
    result.nack = is_nack_body(body)
    result.out_of_band = #body > 0
    segment.len = 0
  end
  if segment.len == 0 and not is_control and not result.nack and half.next ~= nil and
    difference(segment.seq, half.next) < 0 and
    (half.next - 1) % WRAP == segment.seq then
    result.probe = true
  end
  if segment.len > 0 then analyse_data(half, other, segment, result) end
  if not (is_control and segment.ack == 0) then analyse_ack(half, other, segment, result) end
  if half.next ~= nil and other.ack ~= nil then
    local flight = difference(half.next, other.ack)
    if flight > 0 then
      result.flight = flight
      if segment.len > 0 and other.window ~= nil and other.window > 0 and flight >= other.window then
        result.window_full = true
      end
    end
  end
  if segment.len > 0 then
    if is_control then
      -- Control bytes take sequence space but are not part of the stream.
      if half.stream.next == nil or half.stream.next == segment.seq then
        half.stream.next = (segment.seq + segment.len) % WRAP
      end
    else
      half.has_data = true
      reassemble(conversation, side, segment.seq, body, pinfo, result)
    end
  end
  result.partial = #half.stream.buffer
  result.len = segment.len
  return result
end

local function show_control(tvb, tree)
  local kind = tvb:range(24, 1):uint()
  local sub = tree:add(tvb:range(24), kind == 0 and "CONNECT" or "Control " .. kind)
  sub:add(p.ctl_kind, tvb:range(24, 1))
  if kind ~= 0 then return end
  sub:add(p.connect, tvb:range(24, 1), true)
  local offset = 25
  while offset < tvb:len() do
    local option = tvb:range(offset, 1):uint()
    sub:add(p.option, tvb:range(offset, 1))
    if option == 0 then return end
    if option == 1 then offset = offset + 1
    else
      if offset + 1 >= tvb:len() then return end
      local length = tvb:range(offset + 1, 1):uint()
      if option == 3 and length >= 1 and offset + 2 < tvb:len() then
        sub:add(p.scale, tvb:range(offset + 2, 1))
      end
      offset = offset + 2 + length
    end
  end
end

local function show_nack(tvb, tree)
  local sub = tree:add(tvb:range(24), "NACK")
  sub:add(p.nack, tvb:range(24, 1), true)
  sub:add(p.nack_length, tvb:range(25, 2))
  local offset = 27
  while offset + 8 <= tvb:len() do
    sub:add_le(p.nack_seq, tvb:range(offset, 4))
    sub:add_le(p.nack_reserved, tvb:range(offset + 4, 2))
    sub:add_le(p.nack_span, tvb:range(offset + 6, 2))
    offset = offset + 8
  end
  sub:add_proto_expert_info(e.nack)
end

local function dissect_ptcp(tvb, pinfo, root)
  if tvb:len() < 24 or tvb:range(0, 4):uint() ~= 0x50544350 then return 0 end
  if not pinfo.visited or packets[pinfo.number] == nil then
    packets[pinfo.number] = analyse(tvb, pinfo)
  end
  local result = packets[pinfo.number]
  pinfo.cols.protocol = "PTCP"
  local tree = root:add(ptcp, tvb:range(0, 24))
  local seq, ack = tvb:range(4, 4):uint(), tvb:range(8, 4):uint()
  local flags = tvb:range(13, 1):uint()
  tree:add(p.stream, result.index):set_generated()
  tree:add(p.seq, tvb:range(4, 4))
  tree:add(p.next_seq, (seq + result.len) % WRAP):set_generated()
  tree:add(p.ack, tvb:range(8, 4))
  tree:add(p.control, tvb:range(12, 1))
  local flag_tree = tree:add(p.flags, tvb:range(13, 1))
  flag_tree:add(p.flag_fin, tvb:range(13, 1))
  flag_tree:add(p.flag_ctl, tvb:range(13, 1))
  flag_tree:add(p.flag_rst, tvb:range(13, 1))
  tree:add(p.window, tvb:range(14, 2))
  tree:add(p.window_bytes, result.window_bytes):set_generated()
  tree:add(p.timestamp, tvb:range(16, 4))
  tree:add(p.echo, tvb:range(20, 4))
  tree:add(p.len, tvb:len() - 24):set_generated()
  if tvb:len() > 24 then tree:add(p.payload, tvb:range(24)) end
  local info = string.format("Seq=%d Ack=%d Win=%d Len=%d", seq, ack, result.window_bytes,
    tvb:len() - 24)
  tree:append_text(", " .. info)
  local is_reset = math.floor(flags / 4) % 2 == 1
  local is_control = math.floor(flags / 2) % 2 == 1
  if is_control then info = info .. " [CONNECT]" end
  if is_reset then
    info = info .. " [RST]"
    tree:add_proto_expert_info(e.reset)
  end
  if result.nack then info = info .. " [NACK]" end
  if result.flight then tree:add(p.flight, result.flight):set_generated() end
  if result.acks_frame then
    tree:add(p.acks_frame, result.acks_frame):set_generated()
    add_time(tree, p.ack_rtt, result.ack_rtt)
  end
  for _, finding in ipairs(FINDINGS) do
    if result[finding[1]] then
      tree:add(finding[2], true):set_generated()
      tree:add_proto_expert_info(finding[3])
      info = info .. " [" .. finding[4] .. "]"
    end
  end
  if result.retransmission_of then
    tree:add(p.retransmission_of, result.retransmission_of):set_generated()
  end
  if result.dup_ack_num then tree:add(p.dup_ack_num, result.dup_ack_num):set_generated() end
  if result.pending then tree:add(p.pending, result.pending):set_generated() end
  pinfo.cols.info = info
  if is_control and tvb:len() > 24 then show_control(tvb, tree) end
  if result.nack then show_nack(tvb, tree) end
  for _, frame in ipairs(result.frames) do
    local frame_tvb
    if frame.offset then frame_tvb = tvb:range(frame.offset, frame.length):tvb()
    else frame_tvb = ByteArray.new(frame.text, true):tvb("Realm frame from several segments") end
    show_frame(frame_tvb, pinfo, root, frame.note, frame.segments)
  end
  if result.partial > 0 and result.len > 0 and not is_control then
    tree:add(p.partial, result.partial):set_generated()
  end
  if result.boundary_lost then
    tree:add(t.lost, true):set_generated()
    tree:add_proto_expert_info(boundary_lost)
  end
  return tvb:len()
end
ptcp.dissector = dissect_ptcp

-- ---------------------------------------------------------------------------------------------
-- Realm frames on TCP: the TCP relay. Before them stands one HTTP exchange, client-bind.

local function looks_like_tou(text)
  if #text < 12 then return false end
  local kind, zero = text:byte(1, 2)
  return TOU_TYPES[kind] ~= nil and zero == 0 and raw_u32(text, 9) == 0 and
    (kind == 0x10 or raw_u16(text, 3) <= 8)
end

local function tou_length(tvb, _, offset)
  local kind = tvb:range(offset, 1):uint()
  return 12 + (TOU_BODY[kind] or tvb:range(offset + 2, 2):uint())
end

local function tou_frame(tvb, pinfo, root)
  local key = pinfo.number .. ":" .. tvb:offset() .. ":" .. tvb:len()
  if tcp_frames[key] == nil then
    local conversation, side = conversation_of(pinfo, "tcp ")
    tcp_frames[key] = note_frame(conversation, side, tvb:raw(), pinfo)
  end
  show_frame(tvb, pinfo, root, tcp_frames[key], nil)
  return tvb:len()
end

local function dissect_tou(tvb, pinfo, root)
  local text = tvb:raw()
  if text:find("^HTTP/1%.") or text:find("^[A-Z]+ /") then
    local _, header_end = text:find("\r\n\r\n", 1, true)
    local length = header_end and
      (tonumber(text:sub(1, header_end):lower():match("\ncontent%-length:%s*(%d+)") or "0") or 0)
    if header_end == nil or header_end + length > #text then
      pinfo.desegment_offset = 0
      pinfo.desegment_len = header_end and header_end + length - #text or DESEGMENT_ONE_MORE_SEGMENT
      return tvb:len()
    end
    Dissector.get("http"):call(tvb:range(0, header_end + length):tvb(), pinfo, root)
    if header_end + length < #text then
      -- The rest begins the frames; it is shown here unless it is cut.
      dissect_tcp_pdus(tvb:range(header_end + length):tvb(), root, 12, tou_length, tou_frame, false)
    end
    return tvb:len()
  end
  local kind = text:byte(1)
  if kind == nil or kind < 0x10 or kind > 0x1f then return 0 end
  pinfo.cols.protocol = "TOU"
  pinfo.cols.info = ""
  dissect_tcp_pdus(tvb, root, 12, tou_length, tou_frame)
  return tvb:len()
end
tou.dissector = dissect_tou

-- ---------------------------------------------------------------------------------------------
-- Recognition by content. A dissector called through its protocol may no longer ask for more segments,
-- so functions are called here. All UDP protocols share endpoints, so one dissector takes the conversation
-- and hands each datagram on.

local function dissect_p2p(tvb, pinfo, root)
  local text = tvb:raw()
  if #text >= 24 and text:sub(1, 4) == "PTCP" then return dissect_ptcp(tvb, pinfo, root) end
  if is_stun(text) then return dissect_stun(tvb, pinfo, root) end
  if is_http(text) then return dissect_http(tvb, pinfo, root) end
  return 0
end
p2p.dissector = dissect_p2p

p2p:register_heuristic("udp", function(tvb, pinfo, root)
  if dissect_p2p(tvb, pinfo, root) == 0 then return false end
  pinfo.conversation = p2p
  return true
end)

tou:register_heuristic("tcp", function(tvb, pinfo, root)
  local text = tvb:raw()
  if not looks_like_tou(text) and not text:find("^POST /tcprelay/client%-bind ") then
    return false
  end
  pinfo.conversation = tou
  dissect_tou(tvb, pinfo, root)
  return true
end)

-- For "Decode As".
DissectorTable.get("udp.port"):add_for_decode_as(p2p)
DissectorTable.get("tcp.port"):add_for_decode_as(tou)
