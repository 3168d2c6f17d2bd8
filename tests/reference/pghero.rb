# Times methods of PgHero on request, for tests/src/bench/health/pghero.rs.
#
# pghero.rb HOST DATABASE USER: reads names of methods of PgHero::Database, one a line, and answers
# each with a line of JSON: how long the call took, how long the statements in it, and how many rows
# it gave; or the error.

require "json"
require "logger"
require "active_support"
require "active_support/core_ext"
require "active_record"
require "pghero"

# What PgHero does only within Rails, where the zone is always set.
Time.zone ||= "UTC"

host, name, user = ARGV
connection = {adapter: "postgresql", host: host, database: name, username: user}
# Where PgHero looks for its settings when there is no file of them.
ActiveRecord::Base.establish_connection(connection)
database = PgHero::Database.new("bench", "url" => connection)

statements = 0.0
ActiveSupport::Notifications.subscribe("sql.active_record") do |event|
  statements += event.duration / 1000.0
end

def clock
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

$stdout.sync = true
$stdin.each_line(chomp: true) do |method|
  statements = 0.0
  begun = clock
  answer =
    begin
      rows = database.public_send(method)
      {seconds: clock - begun, statements: statements, rows: rows.respond_to?(:size) ? rows.size : 1}
    rescue => error
      {error: "#{error.class}: #{error.message.lines.first.to_s.strip}"}
    end
  puts JSON.generate(answer)
end
