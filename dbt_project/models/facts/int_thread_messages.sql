{{
    config(
        materialized='incremental',
        incremental_strategy='replace_keys',
        unique_key='message_key',
        replace_by='thread_key'
    )
}}

with recursive

received as (
    {{ network_union('messages') | indent(4) }}
),

-- a conversation is told anew whenever one of its messages came: a late one can join or part its branches
touched as (
    select distinct thread_key
    from received
    {% if is_incremental() -%}
        where load_seq > {{ last_load_seq() }}
    {%- endif %}
),

messages as (
    select received.*
    from received
    inner join touched on received.thread_key = touched.thread_key
),

-- under a post: the reply's branch is that of the message it replies to, up to one that replies to none
branches as (
    select
        tops.message_key,
        tops.message_key as root_key,
        0 as depth
    from messages as tops
    left join messages as parents
        on
            tops.thread_key = parents.thread_key
            and tops.parent_key = parents.message_key
    where
        tops.place = 'post'
        and parents.message_key is null
    union all
    select
        replies.message_key,
        branches.root_key,
        branches.depth + 1 as depth
    from branches
    inner join messages as replies on branches.message_key = replies.parent_key
    where
        replies.place = 'post'
        -- replies that point at each other would never end
        and branches.depth < 100
),

-- with a bot: a citizen's words after a day of silence open a new appeal, the rest belongs to the open one
words as (
    select
        *,
        lag(created_at) over (partition by thread_key order by created_at, message_key) as said_before,
        count(case when author_kind = 'citizen' then 1 end) over (
            partition by thread_key order by created_at, message_key
            rows between unbounded preceding and 1 preceding
        ) as citizen_said_before
    from messages
    where
        place = 'chat'
        and author_kind <> 'service'
        and not is_deleted
),

opened as (
    select
        *,
        case
            when
                author_kind = 'citizen'
                and (
                    citizen_said_before = 0
                    or {{ seconds_between('said_before', 'created_at') }} >= {{ session_gap_seconds() }}
                )
                then 1
            else 0
        end as opens_session
    from words
),

numbered as (
    select
        *,
        sum(opens_session) over (
            partition by thread_key order by created_at, message_key
            rows between unbounded preceding and current row
        ) as session_number
    from opened
),

sessions as (
    select
        message_key,
        first_value(message_key) over (
            partition by thread_key, session_number order by created_at, message_key
        ) as root_key
    from numbered
    where session_number > 0
),

rooted as (
    select
        messages.*,
        coalesce(branches.root_key, sessions.root_key, messages.message_key) as root_key
    from messages
    left join branches on messages.message_key = branches.message_key
    left join sessions on messages.message_key = sessions.message_key
),

final as (
    select
        message_key,
        thread_key,
        root_key,
        root_key = message_key as is_root,
        source,
        region_id,
        network_page_id,
        place,
        author_kind,
        author_page_id,
        author_key,
        created_at,
        text_length,
        text_key,
        answer_key,
        is_deleted,
        -- what changed one message of a conversation changed the appeal
        case
            when place = 'chat' then max(load_seq) over (partition by thread_key)
            else max(load_seq) over (partition by root_key)
        end as load_seq
    from rooted
)

select * from final
