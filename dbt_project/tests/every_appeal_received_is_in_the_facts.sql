-- From both ends: an appeal that a finished load brought and facts lack, and one in facts that no load brought.
-- Counted anew from raw, without staging, so that neither can be wrong in the same way. Explained and left out:
-- what stands under a citizen's post or a mention (it belongs to that), what communities wrote, regions that no
-- registry has named yet. Of a chat with a bot only its first words must be an appeal: which later ones are is
-- told by the silence between them, in one place only.
{% set told_alone = ['pos', 'incident', 'open311'] + ticket_sources().split() %}

with

loads as (
    select * from {{ source('raw', '_dlt_loads') }}
    where status = 0
),

-- where a row tells by itself that it is an appeal, those of older loads were looked for before
fresh_loads as (
    select * from loads
    {% if tests_what_came() -%}
        where
            load_id in (
                select books._dlt_load_id
                from {{ source('raw', 'loads') }} as books
                where {{ came_since_tested('books.load_seq') }}
            )
    {%- endif %}
),

vk_comments as (
    select comments.*
    from {{ source('raw', 'vk_comments') }} as comments
    inner join loads on comments._dlt_load_id = loads.load_id
    where
        comments.author_kind = 'citizen'
        and comments.thread_id is null
),

vk_posts as (
    select
        posts.region_id,
        posts.owner_id,
        posts.post_id
    from {{ source('raw', 'vk_posts') }} as posts
    inner join loads on posts._dlt_load_id = loads.load_id
    where posts.author_kind = 'citizen'
    union
    select
        mentions.region_id,
        mentions.owner_id,
        mentions.post_id
    from {{ source('raw', 'vk_mentions') }} as mentions
    inner join loads on mentions._dlt_load_id = loads.load_id
    where mentions.author_key is not null
),

community_mentions as (
    select
        mentions.region_id,
        mentions.owner_id,
        mentions.post_id
    from {{ source('raw', 'vk_mentions') }} as mentions
    inner join loads on mentions._dlt_load_id = loads.load_id
    where mentions.author_key is null
),

{%- for network in networks_with('messages').split() %}

    {{ network }}_messages as (
        select
            messages.*,
            min(messages.created_at) over (
                partition by messages.region_id, messages.page_id, messages.chat_id, messages.author_kind
            ) as first_said_at,
            max(case when messages.is_deleted then 1 else 0 end) over (
                partition by messages.region_id, messages.page_id, messages.chat_id
            ) as has_deleted
        from {{ source('raw', network ~ '_messages') }} as messages
        inner join loads on messages._dlt_load_id = loads.load_id
    ),
{%- endfor %}
{%- for network in networks_with('posts').split() %}

    {{ network }}_posts as (
        select distinct
            posts.region_id,
            posts.page_id,
            posts.post_id
        from {{ source('raw', network ~ '_posts') }} as posts
        inner join loads on posts._dlt_load_id = loads.load_id
        where posts.author_kind = 'citizen'
    ),
{%- endfor %}

network_words as (
    {%- for network in networks_with('messages').split() %}
        select
            messages.region_id,
        {{ surrogate_key([
            'messages.region_id', "'" ~ network ~ "_message'", 'messages.page_id', 'messages.chat_id',
            'messages.message_id'
        ]) }} as appeal_id,
            (
                messages.place = 'post'
                and parents.message_id is null
                {%- if network in networks_with('posts').split() %}
                    and posts.post_id is null
                {%- endif %}
            )
            or (
                messages.place = 'chat'
                and messages.created_at = messages.first_said_at
                and messages.has_deleted = 0
            ) as is_expected
        from {{ network }}_messages as messages
        left join {{ network }}_messages as parents
            on
                messages.region_id = parents.region_id
                and messages.page_id = parents.page_id
                and messages.chat_id = parents.chat_id
                and messages.reply_to = parents.message_id
        {%- if network in networks_with('posts').split() %}
            left join {{ network }}_posts as posts
                on
                    messages.region_id = posts.region_id
                    and messages.page_id = posts.page_id
                    and messages.chat_id = posts.post_id
        {%- endif %}
        where messages.author_kind = 'citizen'
        {{ 'union all' if not loop.last }} -- noqa: LT02
    {%- endfor %}
    {%- for network in networks_with('posts').split() %}
        union all
        select
            region_id,
            {{ surrogate_key(['region_id', "'" ~ network ~ "_post'", 'page_id', 'post_id']) }} as appeal_id,
            true as is_expected
        from {{ network }}_posts
    {%- endfor %}
),

received as (
    select
        region_id,
        appeal_id,
        is_expected
    from network_words
    {%- for tickets in ticket_sources().split() %}
        union all
        select
            appeals.region_id,
            {{ surrogate_key(['appeals.region_id', "'" ~ tickets ~ "'", 'appeals.ticket_id']) }} as appeal_id,
            true as is_expected
        from {{ source('raw', tickets ~ '_appeals') }} as appeals
        inner join fresh_loads as loads on appeals._dlt_load_id = loads.load_id
    {%- endfor %}
    union all
    select
        requests.region_id,
        {{ surrogate_key(['requests.region_id', "'open311'", 'requests.service_request_id']) }} as appeal_id,
        true as is_expected
    from {{ source('raw', 'open311_requests') }} as requests
    inner join fresh_loads as loads on requests._dlt_load_id = loads.load_id
    union all
    select
        region_id,
        {{ surrogate_key(['region_id', "'vk_post'", 'owner_id', 'post_id']) }} as appeal_id,
        true as is_expected
    from vk_posts
    union all
    select
        comments.region_id,
        {{ surrogate_key(['comments.region_id', "'vk_comment'", 'comments.owner_id', 'comments.comment_id']) }}
            as appeal_id,
        true as is_expected
    from vk_comments as comments
    left join vk_posts
        on
            comments.region_id = vk_posts.region_id
            and comments.owner_id = vk_posts.owner_id
            and comments.post_id = vk_posts.post_id
    left join community_mentions
        on
            comments.region_id = community_mentions.region_id
            and comments.owner_id = community_mentions.owner_id
            and comments.post_id = community_mentions.post_id
    where
        vk_posts.post_id is null
        and community_mentions.post_id is null
    union all
    select
        appeals.region_id,
        {{ surrogate_key(['appeals.region_id', "'pos'", 'appeals.pos_id']) }} as appeal_id,
        true as is_expected
    from {{ source('raw', 'pos_appeals') }} as appeals
    inner join fresh_loads as loads on appeals._dlt_load_id = loads.load_id
    union all
    select
        appeals.region_id,
        {{ surrogate_key(['appeals.region_id', "'incident'", 'appeals.incident_id']) }} as appeal_id,
        true as is_expected
    from {{ source('raw', 'incident_appeals') }} as appeals
    inner join fresh_loads as loads on appeals._dlt_load_id = loads.load_id
),

facts as (
    select
        region_id,
        appeal_id
    from {{ ref('fct_appeals') }}
    {% if tests_what_came() -%}
        where
            {{ "source not in ('" ~ told_alone | join("', '") ~ "')" }}
            or appeal_id in (select received.appeal_id from received)
    {%- endif %}
),

-- each appeal once, by whoever tells of it: two joins and a union would each hold all keys there are
sides as (
    select
        received.region_id,
        received.appeal_id,
        case when received.is_expected then 1 else 0 end as is_expected,
        1 as is_received,
        0 as is_in_facts
    from received
    inner join {{ ref('dim_regions') }} as regions on received.region_id = regions.region_id
    union all
    select
        region_id,
        appeal_id,
        0 as is_expected,
        0 as is_received,
        1 as is_in_facts
    from facts
),

told as (
    select
        appeal_id,
        max(region_id) as region_id,
        max(is_expected) as is_expected,
        max(is_received) as is_received,
        max(is_in_facts) as is_in_facts
    from sides
    group by appeal_id
),

final as (
    select
        region_id,
        appeal_id,
        case when is_in_facts = 0 then 'missing in facts' else 'received by no load' end as problem
    from told
    where
        (is_expected = 1 and is_in_facts = 0)
        or (is_in_facts = 1 and is_received = 0)
)

select * from final
