-- Health of a MemoApp, MemoBackup, MemoRestore or MaintenanceWindow, read from the conditions by the rules of kstatus:
-- Stalled -> Degraded, Reconciling -> Progressing, Ready -> Healthy.
-- A release that was rejected, rolled back or held is Stalled: the declared version does not run, though another serves.
-- An app that is suspended is none of the three: what is declared, no pods, is what there is. Nor is one that is paused
-- with a changed spec: a person holds it; or whose release waits for a maintenance window.

local function find(conditions, name)
  for _, condition in ipairs(conditions) do
    if condition.type == name then
      return condition
    end
  end
  return nil
end

local function holds(condition)
  return condition ~= nil and condition.status == "True"
end

local function health(status, condition)
  local message = condition.reason or ""
  if condition.message ~= nil and condition.message ~= "" then
    message = message .. ": " .. condition.message
  end
  return {status = status, message = message}
end

local status = obj.status or {}
local conditions = status.conditions or {}

if (status.observedGeneration or 0) ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not seen this generation yet"}
end

local stalled = find(conditions, "Stalled")
if holds(stalled) then
  return health("Degraded", stalled)
end

local reconciling = find(conditions, "Reconciling")
if holds(reconciling) then
  return health("Progressing", reconciling)
end

local ready = find(conditions, "Ready")
if holds(ready) then
  return health("Healthy", ready)
end
if ready ~= nil and (ready.reason == "Suspended" or ready.reason == "Paused" or ready.reason == "OutsideWindow") then
  return health("Suspended", ready)
end
if ready ~= nil then
  -- Nothing is under way, and yet what is declared does not run.
  local available = find(conditions, "Available")
  if available ~= nil and available.status == "False" then
    return health("Degraded", available)
  end
  return health("Progressing", ready)
end
return {status = "Progressing", message = "No condition yet"}
